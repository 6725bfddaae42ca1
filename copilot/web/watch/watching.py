"""What an application watches itself with; made once, with the application."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Depends, Request

from copilot.app import Copilot
from copilot.web.watch.sources import Sources
from copilot_tools.errors import ToolError

if TYPE_CHECKING:
    from copilot.web.watch.metrics import Metrics

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watch:
    """The metrics, the sources, and how far the model is; "ok" until it is told to warm up."""

    metrics: "Metrics"
    sources: Sources
    model: Literal["ok", "warming", "degraded"] = "ok"

    @asynccontextmanager
    async def warming(self, copilot: Copilot) -> AsyncIterator[None]:
        """Get model and manuals ready beside whatever else goes on."""
        task = asyncio.create_task(self._warm(copilot))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _warm(self, copilot: Copilot) -> None:
        self.model = "warming"
        try:
            await copilot.warm()
        except (ToolError, OSError) as error:
            self.model = "degraded"
            _log.error("the model is not ready: %s", error)
        else:
            self.model = "ok"
            _log.info("model and manuals are ready")


def watch_of(request: Request) -> Watch:
    """What watches the application that a request came to."""
    watch: Watch = request.app.state.watch
    return watch


Watching = Annotated[Watch, Depends(watch_of)]
