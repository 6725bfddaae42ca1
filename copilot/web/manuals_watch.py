"""New, changed and removed manuals are taken in while the application runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from copilot.web.services import Services
from copilot_knowledge.shelf import Busy

EVERY_S = 30.0
_LOG = logging.getLogger("copilot.web")


@asynccontextmanager
async def watch_manuals(services: Services, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Look at the folder of manuals every so often; searches go on with what is held meanwhile."""
    watching = asyncio.create_task(_watch(services, every_s))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(services: Services, every_s: float) -> None:
    library = services.copilot.plant.library
    while True:
        await asyncio.sleep(every_s)
        try:
            shelved = await asyncio.to_thread(library.refresh)
            await asyncio.to_thread(library.prepare)
        except (Busy, OSError) as error:
            _LOG.warning("manuals are not looked at now: %s", error)
            continue
        if shelved.added or shelved.removed:
            _LOG.info("manuals taken in: %s, removed: %s", shelved.added, shelved.removed)
