"""Whether the sources of the plant answer, asked no more often than every few seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from copilot_tools.errors import ToolError
from copilot_tools.plant import Plant

FRESH_S = 2.0
PATIENCE_S = 3.0
JOURNAL = timedelta(minutes=1)


class Sources:
    """The sources that are watched, and when each of them answered last."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._asked: dict[str, Callable[[], Awaitable[object]]] = {
            "opcua": self._telemetry,
            "plant_database": self._journal,
        }
        self._since = time.monotonic()
        self._answered: dict[str, float] = {}
        self._looked = float("-inf")
        self._looking = asyncio.Lock()
        self._ok: dict[str, bool] = {}

    async def look(self) -> dict[str, bool]:
        """Which source answers now, or did a moment ago."""
        async with self._looking:
            if time.monotonic() - self._looked > FRESH_S:
                found = await asyncio.gather(*(self._ask(name) for name in self._asked))
                self._ok = dict(zip(self._asked, found, strict=True))
                self._looked = time.monotonic()
            return self._ok

    def ages(self) -> dict[str, float]:
        """Seconds since each source answered last, or since the start."""
        now = time.monotonic()
        return {name: now - self._answered.get(name, self._since) for name in self._asked}

    async def _ask(self, name: str) -> bool:
        try:
            await asyncio.wait_for(self._asked[name](), PATIENCE_S)
        except (ToolError, TimeoutError):
            return False
        self._answered[name] = time.monotonic()
        return True

    async def _telemetry(self) -> object:
        nodes = [signal.node for signal in self._plant.site.signals()][:1]
        return await self._plant.telemetry.read(nodes)

    async def _journal(self) -> object:
        now = self._plant.now()
        return await self._plant.journal.events(now - JOURNAL, now)
