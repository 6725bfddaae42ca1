import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from account_fixture import PASSWORD
from executor_fixture import Floor, utc_now, wait_for_text
from faults.failing_engine import ANSWER_LOST, failing
from sqlalchemy import Connection, Engine, event, update

from copilot import db, tables
from copilot.approvals import switches
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.canonical import digest
from copilot.executor import result
from copilot.executor.actuators import Actuator
from copilot.executor.carry_out import carry_out
from copilot.executor.clock import Clock
from copilot.executor.outcome import LastLook, Seen, Sent, unasked
from copilot.executor.process import Executor
from copilot.executor.workplace import Workplace, open_workplace
from copilot_tools.changes import Change

TOOL = "write_setpoint"
Happening = Callable[[], None]


class Meanwhile:
    """An actuator during whose steps something happens elsewhere."""

    def __init__(
        self, actuator: Actuator, preparing: Happening | None, sending: Happening | None
    ) -> None:
        self._actuator = actuator
        self._preparing = preparing
        self._sending = sending

    async def prepare(self, change: Change) -> None:
        await self._actuator.prepare(change)
        if self._preparing:
            await asyncio.to_thread(self._preparing)

    async def send(self, change: Change, key: str, last_look: LastLook = unasked) -> Sent:
        if self._sending:
            await asyncio.to_thread(self._sending)
        return await self._actuator.send(change, key, last_look)

    async def read_back(self, change: Change, key: str) -> Seen:
        return await self._actuator.read_back(change, key)


@asynccontextmanager
async def in_office(floor: Floor, **settings: Any) -> AsyncIterator[Workplace]:
    """A workplace with the lease."""
    opened = await asyncio.to_thread(
        open_workplace, floor.configure(lease_s=60, **settings), Clock()
    )
    try:
        assert await asyncio.to_thread(opened.tenure.begin)
        yield opened
    finally:
        await opened.close()


def meanwhile(
    work: Workplace, *, preparing: Happening | None = None, sending: Happening | None = None
) -> Workplace:
    acting = Meanwhile(work.actuators[TOOL], preparing, sending)
    return replace(work, actuators={**work.actuators, TOOL: acting})


@contextmanager
def answer_lost(engine: Engine, statement: str) -> Iterator[list[str]]:
    """The first commit after this statement is carried out, but its answer gets lost."""
    armed: list[Connection] = []
    lost: list[str] = []

    def see(connection: Connection, _cursor: Any, text: str, *_: Any) -> None:
        if text.startswith(statement) and not lost:
            armed.append(connection)

    def lose(connection: Connection) -> None:
        if armed == [connection] and not lost:
            lost.append(statement)
            failure.at = failure.calls + 1

    event.listen(engine, "before_cursor_execute", see)
    event.listen(engine, "commit", lose)
    try:
        with failing(engine, -1, ANSWER_LOST) as failure:
            yield lost
    finally:
        event.remove(engine, "before_cursor_execute", see)
        event.remove(engine, "commit", lose)


async def test_a_lock_out_during_the_mapping_is_seen(floor: Floor) -> None:
    record = await asyncio.to_thread(floor.ready)
    async with in_office(floor) as work:
        lock = meanwhile(work, preparing=lambda: floor.plc.order(values={"M-1.lockout": True}))
        ended = await carry_out(lock, record)
    assert ended.state is State.POLICY_DENIED
    assert "lock-out was off, is on" in ended.note
    assert floor.execution(record) is None
    assert floor.written() == []
    floor.check()


async def test_it_is_stopped_while_it_is_on_its_way_to_the_plant(floor: Floor) -> None:
    def stop() -> None:
        with db.writing(floor.engine) as connection:
            switches.stop(connection, "boss", "smoke", utc_now())

    record = await asyncio.to_thread(floor.ready)
    async with in_office(floor) as work:
        ended = await carry_out(meanwhile(work, sending=stop), record)
    assert (ended.state, ended.note) == (
        State.FAILED,
        "nothing was sent: stopped by boss: smoke",
    )
    assert floor.written() == []
    floor.check()


async def test_a_claim_whose_answer_got_lost_is_ended_without_a_restart(floor: Floor) -> None:
    async def lose(work: Workplace) -> None:
        record = await asyncio.to_thread(floor.ready)
        with answer_lost(work.engine, "INSERT INTO executions") as lost:
            ended = await asyncio.to_thread(floor.wait_for, record, State.FAILED)
            assert lost
        assert "not found by reading back" in ended.note
        assert floor.written() == []
        other = await asyncio.to_thread(floor.ready)
        await asyncio.to_thread(floor.wait_for, other, State.VERIFIED)

    await _at_work(floor, lose)
    assert floor.written() == [1050.0]
    floor.check()


async def test_an_end_whose_answer_got_lost_is_the_end(floor: Floor) -> None:
    record = await asyncio.to_thread(floor.ready)
    async with in_office(floor) as work:
        with answer_lost(work.engine, "UPDATE executions") as lost:
            ended = await carry_out(work, record)
        assert lost
    assert ended.state is State.VERIFIED
    assert floor.kinds(record).count("proposal.verified") == 1
    floor.check()


async def test_what_a_person_has_resolved_is_watched_no_longer(floor: Floor) -> None:
    floor.plc.order(answers={"M-1.speed_setpoint": {"status": "GoodClamped"}})
    record = await asyncio.to_thread(floor.ready)
    async with in_office(floor, observe_s=3600) as work:
        unknown = await carry_out(work, record)
        assert unknown.state is State.UNKNOWN
        nonce = floor.step_ups.issue("boss", PASSWORD, record.payload_hash, "resolve_applied")
        floor.desk.resolve(unknown.number, "boss", nonce, True, "seen on the machine")
        before = floor.kinds(record)
        async with asyncio.timeout(60):
            await result.watch(work, unknown, asyncio.Event())
    assert floor.kinds(record) == before
    floor.check()


@pytest.mark.parametrize("ttl_s", [60.0, 2.0], ids=["in time", "overdue"])
def test_a_damaged_proposal_keeps_nobody_else_waiting(floor: Floor, ttl_s: float) -> None:
    damaged = floor.ready(ttl_s=ttl_s)
    _damage(floor, damaged)
    process = floor.start()
    process.wait_until_ready()
    wait_for_text(process, f"#{damaged.number} waits: it is damaged in the database")
    if ttl_s < 60.0:
        wait_for_text(process, "what is overdue cannot be ended")
    other = floor.ready(45.0, 40.0, name="count")
    floor.wait_for(other, State.VERIFIED)
    assert process.popen.poll() is None
    assert floor.written() == []


def _damage(floor: Floor, record: Record) -> None:
    """Rewrite a stored proposal so that its hash fits, but its content is none."""
    payload = json.dumps({"id": record.proposal.id})
    values = {"payload": payload, "payload_hash": digest(payload)}
    mine = tables.proposals.c.id == record.proposal.id
    with db.writing(floor.engine) as connection:
        connection.execute(update(tables.proposals).where(mine).values(values))


async def _at_work(floor: Floor, meanwhile: Callable[[Workplace], Awaitable[None]]) -> None:
    """Do this while an executor works."""
    stop = asyncio.Event()
    settings = floor.configure(lease_s=60)
    work = await asyncio.to_thread(open_workplace, settings, Clock())
    executor = Executor(work, settings)
    assert await executor.begin(stop)
    working = asyncio.create_task(executor.work(stop))
    try:
        await meanwhile(work)
        stop.set()
        await working
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await executor.end()
