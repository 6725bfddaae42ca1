"""Carries one change out: everything is checked again, it is sent once, and it is read back.

The intent is committed before anything is sent; the time of sending is committed with the result.
An execution without it may have been sent: `recovery` reads such a one back and never sends it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from copilot import tables
from copilot.approvals import breaker, store
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.approvals.switches import stopped
from copilot.crash_points import reach
from copilot.db import reading, stamp, writing
from copilot.executor import result
from copilot.executor.lease import NAME
from copilot.executor.outcome import Sent
from copilot.executor.stages import Step, Verdict, accepted, judge, shown
from copilot.executor.workplace import Workplace
from copilot.proposal import write_time
from copilot_tools.errors import Denied, Unavailable
from copilot_tools.plant_state import Observation, differences, observe


class NotNow(Exception):
    """Changes are stopped; this one stays ready until its time is up."""


@dataclass(frozen=True, slots=True)
class _Check:
    """How the first stages ended: `to` is where a change goes that did not pass them."""

    steps: tuple[Step, ...]
    to: State | None = None
    data: dict[str, Any] | None = None

    @property
    def note(self) -> str:
        return self.steps[-1].says


async def carry_out(work: Workplace, record: Record) -> Record:
    """Carry a ready change out, or refuse it; the record as it stands afterwards.

    Raises Unavailable when the plant, the database or the clock cannot be relied on before anything
    is sent, NotNow when changes are stopped: the change stays ready until its time is up. Raises
    StaleLease, Restored, and Conflict when it is not ready any more.
    """
    change = record.proposal.change
    observed = await observe(work.plant, change.target)
    check = await asyncio.to_thread(_check_now, work, record, observed)
    if check.to is None:
        check = await _map(work, record, check)
    if check.to is not None:
        return await asyncio.to_thread(_refuse, work, record, check)
    observed = await observe(work.plant, change.target)  # The mapping has taken its time.
    record = await asyncio.to_thread(_claim, work, record, observed, check.steps)
    if record.state is not State.EXECUTING:
        return record
    return await _send_and_read_back(work, record, check.steps)


def _check_now(work: Workplace, record: Record, observed: Observation) -> _Check:
    with reading(work.engine) as connection:
        return _examine(work, connection, record, observed, work.clock.now())


def _examine(
    work: Workplace, connection: Connection, record: Record, observed: Observation, at: datetime
) -> _Check:
    """The first two stages: is it allowed, by people and policy, and is all still as shown?"""
    if switch := stopped(connection):
        raise NotNow(f"stopped by {switch.by}: {switch.reason}")
    proposal = record.proposal
    if not proposal.created <= at < proposal.expires:
        note = f"its time was up at {write_time(proposal.expires)}"
        return _Check((Step("verification", "refused", note),), State.EXPIRED)
    shown_before = proposal.change.preconditions
    if shown_before and _sees_nothing(observed):
        raise Unavailable("the plant", "; ".join(observed.problems))
    changed = differences(shown_before, observed)
    judgement = work.desk.judge(connection, record, observed, at)
    allowed = judgement.decision.allowed
    first = Step(
        "authentication and authorisation",
        "passed" if allowed else "refused",
        judgement.decision.why(),
    )
    if not allowed:
        # What has changed in the plant says more than the rules that follow from it.
        steps = (Step(first.stage, "refused", "; ".join((*changed, first.says))),)
        return _Check(steps, State.POLICY_DENIED, judgement.data())
    if changed:
        second = Step("verification", "refused", "; ".join(changed))
        return _Check((first, second), State.POLICY_DENIED, judgement.data())
    second = Step("verification", "passed", "the plant is as it was shown")
    return _Check((first, second), None, judgement.data())


def _sees_nothing(observed: Observation) -> bool:
    """A plant that does not answer at all has not changed; it is waited for."""
    seen = (observed.state, observed.lockout, observed.live)
    silent = all(one is None for one in seen) and not observed.alarms
    return silent and bool(observed.problems)


async def _map(work: Workplace, record: Record, check: _Check) -> _Check:
    """The third stage: the change as requests to the plant; nothing is sent."""
    change = record.proposal.change
    actuator = work.actuators.get(change.tool)
    try:
        if actuator is None:
            raise Denied(f"the executor has no way to carry out {change.tool}")
        await actuator.prepare(change)
    except Denied as error:
        step = Step("mapping", "refused", str(error))
        return _Check((*check.steps, step), State.POLICY_DENIED, check.data)
    step = Step("mapping", "passed", "it can be sent as it stands")
    return _Check((*check.steps, step), None, check.data)


def _refuse(work: Workplace, record: Record, check: _Check) -> Record:
    with writing(work.engine) as connection:
        work.tenure.check(connection)
        return _move_refused(work, connection, record, check, work.clock.now())


def _move_refused(
    work: Workplace, connection: Connection, record: Record, check: _Check, at: datetime
) -> Record:
    assert check.to is not None
    data = {**(check.data or {}), "stages": [asdict(step) for step in check.steps]}
    moved = store.move(connection, record, check.to, NAME, at, data, check.note)
    if moved.state is State.POLICY_DENIED:
        proposal = record.proposal
        breaker.count(connection, proposal.proposer, proposal.person, at, work.changes)
    return moved


def _claim(work: Workplace, record: Record, observed: Observation, steps: Sequence[Step]) -> Record:
    """Commit the intent; people, policy and time are asked once more in the same transaction."""
    if not work.signer.healthy():
        raise Unavailable("the audit log", work.signer.problem or "it is damaged")
    with writing(work.engine) as connection:
        work.tenure.check(connection)
        at = work.clock.now()
        check = _examine(work, connection, record, observed, at)
        if check.to is not None:
            return _move_refused(work, connection, record, check, at)
        intent = {"proposal": record.proposal.id, "token": work.tenure.token}
        row = {**intent, "intended": stamp(at), "result": {}}
        connection.execute(insert(tables.executions).values(row))
        stages = [asdict(step) for step in steps]
        data = {**(check.data or {}), "token": work.tenure.token, "stages": stages}
        claimed = store.move(connection, record, State.EXECUTING, NAME, at, data)
        mark = work.watermark.newest(connection)
        reach("before claimed")
    work.watermark.save(mark)
    reach("claimed")
    return claimed


async def _send_and_read_back(work: Workplace, record: Record, steps: Sequence[Step]) -> Record:
    change, key = record.proposal.change, record.proposal.id
    actuator = work.actuators[change.tool]
    reach("before sent")

    async def last_look() -> None:
        if why_not := await asyncio.to_thread(_why_not, work, record):
            raise Denied(why_not)

    try:
        await last_look()
        sent_at = work.clock.read()
        sent = await actuator.send(change, key, last_look)
    except Denied as error:
        return await _finish_unsent(work, record, steps, str(error))
    reach("sent")
    reach("before read back")
    seen = await result.read_back(work, record)
    reach("read back")
    outcome = result.Result(sent_at, sent, (*steps, accepted(sent), shown(seen)), seen)
    return await result.finish(work, record, judge(sent, seen), outcome)


async def _finish_unsent(
    work: Workplace, record: Record, steps: Sequence[Step], why: str
) -> Record:
    sent = Sent("refused", why)
    outcome = result.Result(None, sent, (*steps, accepted(sent)), None)
    verdict = Verdict(State.FAILED, f"nothing was sent: {why}")
    return await result.finish(work, record, verdict, outcome)


def _why_not(work: Workplace, record: Record) -> str:
    """Why a claimed change must not be sent after all; empty when it may be, now."""
    try:
        with reading(work.engine) as connection:
            work.tenure.check(connection)
            switch = stopped(connection)
        at = work.clock.now()
    except Unavailable as error:
        return str(error)
    if switch is not None:
        return f"stopped by {switch.by}: {switch.reason}"
    if at >= record.proposal.expires:
        return f"its time was up at {write_time(record.proposal.expires)}"
    return "" if work.tenure.is_sure() else "the lease may have passed to another executor"
