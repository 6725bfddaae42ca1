import asyncio
import threading
from collections.abc import Callable

import pytest

from copilot.llm.errors import Busy, ModelFailed, TimedOut
from copilot.llm.worker import Ticket, Worker


class Bench:
    """An engine that only knows where it was used and whether it was closed."""

    def __init__(self) -> None:
        self.threads = {threading.get_ident()}
        self.jobs: list[str] = []
        self.closed = False

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed = True


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def worker(bench: Bench):
    worker = Worker(lambda: bench, longest_queue=3)
    yield worker
    worker.close()


def note(name: str) -> Callable[[Bench, Ticket], str]:
    def work(bench: Bench, ticket: Ticket) -> str:
        bench.threads.add(threading.get_ident())
        bench.jobs.append(name)
        return name

    return work


def hold(started: threading.Event, release: threading.Event) -> Callable[[Bench, Ticket], str]:
    """A job that runs until it is released, cancelled or late."""

    def work(bench: Bench, ticket: Ticket) -> str:
        bench.jobs.append("held")
        started.set()
        while not release.wait(0.005):
            ticket.checkpoint()
        return "held"

    return work


@pytest.fixture
def gate():
    started, release = threading.Event(), threading.Event()
    yield started, release
    release.set()


async def begin(worker: Worker[Bench], gate: tuple[threading.Event, threading.Event]):
    running = asyncio.create_task(worker.run(hold(*gate), limit_s=30))
    await asyncio.to_thread(gate[0].wait)
    return running


async def test_jobs_run_in_the_order_asked(worker, bench):
    names = [str(number) for number in range(3)]
    assert await asyncio.gather(*(worker.run(note(n), limit_s=30) for n in names)) == names
    assert bench.jobs == names


async def test_only_the_workers_thread_touches_the_engine():
    made: list[Bench] = []

    def load() -> Bench:
        made.append(Bench())
        return made[-1]

    worker = Worker(load)
    await asyncio.gather(*(worker.run(note(str(n)), limit_s=30) for n in range(4)))
    await asyncio.to_thread(worker.close)
    assert len(made) == 1
    assert made[0].closed
    assert len(made[0].threads) == 1
    assert made[0].threads != {threading.get_ident()}


async def test_everybody_hears_how_many_are_ahead(worker, gate):
    running = await begin(worker, gate)
    first: list[int] = []
    second: list[int] = []
    jobs = [
        asyncio.create_task(worker.run(note(name), limit_s=30, on_queue=heard.append))
        for name, heard in (("first", first), ("second", second))
    ]
    await asyncio.sleep(0)
    gate[1].set()
    await asyncio.gather(running, *jobs)
    assert first == [1, 0]
    assert second == [2, 1, 0]


async def test_nobody_is_ahead_when_nothing_runs(worker):
    heard: list[int] = []
    for name in "abc":
        await worker.run(note(name), limit_s=30, on_queue=heard.append)
    assert set(heard) == {0}


async def test_a_full_queue_is_refused(worker, gate):
    running = await begin(worker, gate)
    waiting = [asyncio.create_task(worker.run(note(n), limit_s=30)) for n in "abc"]
    await asyncio.sleep(0)
    with pytest.raises(Busy, match="3 questions are waiting"):
        await worker.run(note("d"), limit_s=30)
    gate[1].set()
    await asyncio.gather(running, *waiting)


async def test_a_cancelled_job_stops_and_the_next_one_runs(worker, gate, bench):
    running = await begin(worker, gate)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await worker.run(note("next"), limit_s=30) == "next"
    assert not gate[1].is_set()


async def test_a_job_cancelled_while_waiting_never_runs_and_frees_its_place(worker, gate, bench):
    running = await begin(worker, gate)
    heard: list[int] = []
    waiting = asyncio.create_task(worker.run(note("never"), limit_s=30))
    await asyncio.sleep(0)
    behind = asyncio.create_task(worker.run(note("next"), limit_s=30, on_queue=heard.append))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate[1].set()
    await asyncio.gather(running, behind)
    assert bench.jobs == ["held", "next"]
    assert heard == [2, 1, 0]


async def test_a_late_job_stops(worker, gate, bench):
    with pytest.raises(TimedOut, match=r"no plan within 0\.05 s"):
        await worker.run(hold(*gate), limit_s=0.05)
    assert await worker.run(note("next"), limit_s=30) == "next"


async def test_waiting_counts_as_time(worker, gate, bench):
    running = await begin(worker, gate)
    with pytest.raises(TimedOut):
        await worker.run(note("late"), limit_s=0.05)
    gate[1].set()
    await running
    assert await worker.run(note("next"), limit_s=30) == "next"
    assert bench.jobs == ["held", "next"]


async def test_an_error_reaches_only_whoever_asked(worker):
    def fail(bench: Bench, ticket: Ticket) -> str:
        raise ModelFailed("broken")

    with pytest.raises(ModelFailed, match="broken"):
        await worker.run(fail, limit_s=30)
    assert await worker.run(note("next"), limit_s=30) == "next"


async def test_loading_is_tried_again_at_the_next_job(bench):
    attempts = iter([ModelFailed("no memory"), None])

    def load() -> Bench:
        problem = next(attempts)
        if problem:
            raise problem
        return bench

    worker = Worker(load)
    with pytest.raises(ModelFailed, match="no memory"):
        await worker.run(note("first"), limit_s=30)
    assert await worker.run(note("second"), limit_s=30) == "second"
    worker.close()


async def test_closing_stops_what_runs_and_refuses_the_rest(gate, bench):
    worker = Worker(lambda: bench)
    running = await begin(worker, gate)
    waiting = asyncio.create_task(worker.run(note("never"), limit_s=30))
    await asyncio.sleep(0)
    await asyncio.to_thread(worker.close)
    with pytest.raises(ModelFailed, match="stopped"):
        await running
    with pytest.raises(ModelFailed, match="closed"):
        await waiting
    with pytest.raises(ModelFailed, match="closed"):
        await worker.run(note("later"), limit_s=30)
    assert bench.closed
    assert bench.jobs == ["held"]


def test_a_worker_that_was_never_used_closes():
    Worker(Bench).close()


def test_it_can_be_used_without_an_event_loop(worker):
    assert worker.run_now(note("sync"), limit_s=30) == "sync"


def test_a_late_job_stops_without_an_event_loop(worker, gate):
    with pytest.raises(TimedOut):
        worker.run_now(hold(*gate), limit_s=0.05)
    assert worker.run_now(note("next"), limit_s=30) == "next"
