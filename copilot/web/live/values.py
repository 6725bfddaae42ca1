"""Live values for all tabs: each signal that somebody looks at is read once a second."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from copilot_tools.plant import Plant


class LiveValues:
    """The newest readings of the signals that are looked at."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read while the application runs."""
        yield
