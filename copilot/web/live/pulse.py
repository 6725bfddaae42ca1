"""Work that is done again and again while somebody needs it, and not at all otherwise."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

_LOG = logging.getLogger("copilot.web")


class Pulse:
    """Does `beat` every `every_s` seconds while it is needed: never two at once, never in arrears.

    A beat that fails in an unforeseen way is logged, and the next one comes all the same.
    """

    def __init__(self, every_s: float, beat: Callable[[], Awaitable[None]]) -> None:
        self._every_s = every_s
        self._beat = beat
        self._needs = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def beating(self) -> bool:
        """Whether somebody needs it."""
        return self._needs > 0

    @contextmanager
    def needed(self) -> Iterator[None]:
        """Beat at least until the end of this context."""
        self._needs += 1
        if self._task is None:
            self._start(0.0)
        try:
            yield
        finally:
            self._needs -= 1
            if not self._needs and self._task is not None:
                self._task.cancel()
                self._task = None

    async def stop(self) -> None:
        """Beat no more, whoever needs it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _start(self, delay_s: float) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(delay_s))
        self._task.add_done_callback(self._ended)

    async def _run(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while True:
            begun = time.monotonic()
            await self._beat()
            await asyncio.sleep(max(begun + self._every_s - time.monotonic(), 0.01))

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        _LOG.error("what keeps live pages up to date failed, and goes on", exc_info=error)
        if task is self._task:
            self._start(self._every_s)
