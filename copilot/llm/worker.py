"""One thread owns the model; everybody else waits in a visible queue.

A llama.cpp context must never be used by two threads. A job runs in the worker's thread with the
engine and a Ticket whose `checkpoint` it calls between tokens: that is where a cancelled or late
job stops, so the next one starts from a sound context.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from copilot.llm.errors import Busy, ModelFailed, TimedOut

LONGEST_QUEUE = 16

OnQueue = Callable[[int], None]


class Closable(Protocol):
    """What a worker needs of its engine."""

    def close(self) -> None:
        """Free everything it holds."""


E = TypeVar("E", bound=Closable)
T = TypeVar("T")


@dataclass(slots=True)
class Ticket:
    """The permission of one job to go on."""

    limit_s: float
    started: float = field(default_factory=time.monotonic)
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def left_s(self) -> float:
        """Seconds until the job is late."""
        return self.started + self.limit_s - time.monotonic()

    def checkpoint(self) -> None:
        """Return when the job may go on; raises ModelFailed or TimedOut when not."""
        if self.cancelled.is_set():
            raise ModelFailed("it was stopped")
        if self.left_s <= 0:
            raise TimedOut(self.limit_s)


@dataclass(slots=True, eq=False)
class _Job(Generic[E, T]):
    work: Callable[[E, Ticket], T]
    ticket: Ticket
    on_queue: OnQueue
    result: Future[T] = field(default_factory=Future)


class Worker(Generic[E]):
    """Runs jobs one by one on an engine that `load` opens in the worker's thread at first use."""

    def __init__(self, load: Callable[[], E], longest_queue: int = LONGEST_QUEUE) -> None:
        self._load = load
        self._longest_queue = longest_queue
        self._waiting: deque[_Job[E, Any]] = deque()
        self._running: _Job[E, Any] | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    async def run(
        self,
        work: Callable[[E, Ticket], T],
        *,
        limit_s: float,
        on_queue: OnQueue | None = None,
    ) -> T:
        """The result of a job; `on_queue` hears how many are ahead, 0 when it starts.

        Raises Busy when the queue is full, TimedOut after `limit_s` with waiting included, and
        whatever the job or loading the model raises. Cancelling stops the job soon.
        """
        notify = _in_loop(asyncio.get_running_loop(), on_queue) if on_queue else _ignore
        job = self._submit(work, limit_s, notify)
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.wrap_future(job.result)
        except TimeoutError:
            raise TimedOut(limit_s) from None
        finally:
            self._withdraw(job)

    def run_now(self, work: Callable[[E, Ticket], T], *, limit_s: float) -> T:
        """The same for callers without an event loop; blocks."""
        job = self._submit(work, limit_s, _ignore)
        try:
            return job.result.result(limit_s)
        except FutureTimeout:
            raise TimedOut(limit_s) from None
        finally:
            self._withdraw(job)

    def close(self) -> None:
        """Stop all jobs, free the engine and end the thread; blocks until that is done."""
        with self._changed:
            self._closed = True
            waiting = list(self._waiting)
            self._waiting.clear()
            if self._running is not None:
                self._running.ticket.cancelled.set()
            self._changed.notify_all()
        for job in waiting:
            if job.result.set_running_or_notify_cancel():
                job.result.set_exception(ModelFailed("it is closed"))
        if self._thread is not None:
            self._thread.join()

    def _submit(
        self, work: Callable[[E, Ticket], T], limit_s: float, on_queue: OnQueue
    ) -> _Job[E, T]:
        job = _Job(work, Ticket(limit_s), on_queue)
        with self._changed:
            if self._closed:
                raise ModelFailed("it is closed")
            if len(self._waiting) >= self._longest_queue:
                raise Busy(len(self._waiting))
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="model", daemon=True)
                self._thread.start()
            self._waiting.append(job)
            job.on_queue(self._ahead(len(self._waiting) - 1))
            self._changed.notify_all()
        return job

    def _withdraw(self, job: _Job[E, Any]) -> None:
        """Nobody waits for the job (any more): free its place in the queue or stop it."""
        job.ticket.cancelled.set()
        job.result.cancel()
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                self._tell_positions()

    def _serve(self) -> None:
        engine: E | None = None
        while (job := self._next()) is not None:
            if not job.result.set_running_or_notify_cancel():
                continue
            try:
                engine = engine or self._load()
                job.ticket.checkpoint()
                result = job.work(engine, job.ticket)
            except BaseException as error:  # it belongs to whoever waits for the job
                self._end_running()
                job.result.set_exception(error)
            else:
                self._end_running()
                job.result.set_result(result)
        if engine is not None:
            engine.close()

    def _next(self) -> _Job[E, Any] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._running = self._waiting.popleft()
            self._running.on_queue(0)
            self._tell_positions()
            return self._running

    def _end_running(self) -> None:
        """Free the place before the result is known, so that whoever asks next sees it free."""
        with self._changed:
            self._running = None

    def _tell_positions(self) -> None:
        for position, job in enumerate(self._waiting):
            job.on_queue(self._ahead(position))

    def _ahead(self, position: int) -> int:
        return position + (self._running is not None)


def _in_loop(loop: asyncio.AbstractEventLoop, call: OnQueue) -> OnQueue:
    def notify(ahead: int) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(partial(call, ahead))

    return notify


def _ignore(_: int) -> None:
    return None
