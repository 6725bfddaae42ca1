"""Keeps the models in use loaded, so that no answer waits for one that has just been promoted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from copilot.beside import beside
from copilot_tools.learnt_life import KIND
from copilot_tools.models.registry.kinds import load_current
from copilot_tools.models.registry.manifest import Unusable
from copilot_tools.models.registry.registry import Registry

EVERY_S = 30.0


def load_models(registry: Registry) -> None:
    """Load the models of remaining life in use; what is wrong with one is said when it is asked."""
    for key in registry.models(KIND):
        with suppress(Unusable):
            load_current(registry, key)


@asynccontextmanager
async def kept_loaded(registry: Registry, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Look for other versions in use beside whatever else goes on, until this ends."""
    async with beside(_look(registry, every_s)):
        yield


async def _look(registry: Registry, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        with suppress(OSError):  # A folder that cannot be read now may be read the next time.
            await asyncio.to_thread(load_models, registry)
