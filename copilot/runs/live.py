"""A run while it goes on: what happened and is to be kept, what was kept and may be told."""

import asyncio
import time
from collections.abc import AsyncGenerator

from copilot.events import Ended, Event
from copilot.runs.store import RunState


class LiveRun:
    """One run of this server; `told` are its events so far, numbered from 1."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Event]] = []
        self.state = RunState.RUNNING
        self.arrived = asyncio.Event()
        self._news = asyncio.Event()
        self._pending: list[tuple[int, Event]] = []
        self._count = 0
        self._over = False
        self._ended = False
        self._began = time.perf_counter()

    @property
    def ended(self) -> bool:
        """Whether the turn came to its own end."""
        return self._ended

    def happened(self, event: Event) -> None:
        """Something happened; it is told as soon as it is kept."""
        self._count += 1
        self._pending.append((self._count, event))
        self._ended = self._ended or isinstance(event, Ended)
        self.arrived.set()

    def end(self, state: RunState) -> None:
        """Nothing more will happen."""
        if not self._ended:
            took = time.perf_counter() - self._began
            self.happened(Ended(took, None, took))
        self.state = state
        self.arrived.set()

    def take(self) -> list[tuple[int, Event]]:
        """What is to be kept now."""
        taken, self._pending = self._pending, []
        self.arrived.clear()
        return taken

    def tell(self, kept: list[tuple[int, Event]], *, over: bool) -> None:
        """Tell the followers what was kept; `over` when this was the last."""
        self.told.extend(kept)
        self._over = over
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def follow(self, after: int) -> AsyncGenerator[tuple[int, Event], None]:
        """What is told after the event with that number, until the end."""
        place = max(after, 0)
        while True:
            if place < len(self.told):
                yield self.told[place]
                place += 1
            elif self._over:
                return
            else:
                await self._news.wait()
