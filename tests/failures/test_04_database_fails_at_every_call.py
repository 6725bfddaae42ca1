"""4: the database is locked, full, read-only or gone, at every single call of every step."""

import asyncio
from typing import Literal

import pytest
from account_fixture import audit_rows
from desk_fixture import Office
from executor_fixture import Floor
from faults.failing_engine import ANSWER_LOST, FAULTS, fail_at_every_call, failing
from sqlalchemy import Engine, select

from copilot import db, tables
from copilot.approvals.states import State
from copilot.approvals.store import Conflict, Record, get
from copilot.executor.carry_out import carry_out
from copilot.executor.clock import Clock
from copilot.executor.recovery import recover
from copilot.executor.workplace import Workplace, open_workplace
from copilot.proposal import Proposal
from copilot_tools.errors import Unavailable


def assert_nothing_half_done(engine: Engine) -> None:
    """Every proposal stands where its newest audit row says, with as many steps as rows."""
    told: dict[str, list[str]] = {}
    given: list[str] = []
    for row in audit_rows(engine):
        if str(row["kind"]).startswith("proposal."):
            told.setdefault(str(row["proposal"]), []).append(str(row["kind"])[9:])
        if row["kind"] == "approval.given":
            given.append(str(row["proposal"]))
    with db.reading(engine) as connection:
        stored = connection.execute(select(tables.proposals)).all()
        approvals = connection.execute(select(tables.approvals.c.proposal)).scalars().all()
    assert sorted(told) == sorted(row.id for row in stored)
    for row in stored:
        assert (row.state, row.version) == (told[row.id][-1], len(told[row.id]))
    assert sorted(approvals) == sorted(given)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_submission_is_filed_as_a_whole_or_not_at_all(office: Office, fault: str):
    filed = 0

    def prepare() -> Proposal:
        return office.proposal("olga", office.change("M-1.speed", 1050.0))

    def submit(proposal: Proposal) -> Record:
        observed = office.seen(proposal.change.target)
        return office.desk.submit(actor, proposal, proposal.id, observed)

    def check(proposal: Proposal, done: bool) -> None:
        nonlocal filed
        filed += 1
        assert_nothing_half_done(office.engine)
        record = submit(proposal)
        assert (record.proposal.id, record.state) == (proposal.id, State.PENDING)
        assert len(office.audited("proposal.proposed")) == filed, "asking again files nothing more"
        office.desk.withdraw(record.number, "olga", "on to the next")

    actor = office.actor("olga")
    assert fail_at_every_call(office.engine, fault, prepare, submit, check) > 10
    assert office.verify().ok


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("word", ["approve", "reject"])
def test_a_decision_counts_as_a_whole_or_not_at_all(
    office: Office, word: Literal["approve", "reject"], fault: str
):
    ends = {"approve": State.READY, "reject": State.REJECTED}

    def prepare() -> tuple[Record, str]:
        office.clock.advance(minutes=16)  # or the breaker would count the rejections
        record = office.propose()
        return record, office.nonce("sara", record, word)

    def decide(subject: tuple[Record, str]) -> None:
        record, nonce = subject
        if word == "reject":
            office.desk.reject(record.number, "sara", nonce, "not now")
            return
        observed = office.seen(record.proposal.change.target)
        office.desk.approve(record.number, "sara", nonce, "fine", observed)

    def check(subject: tuple[Record, str], done: bool) -> None:
        record, _ = subject
        assert_nothing_half_done(office.engine)
        state = office.state(record)
        assert state is ends[word] if done else state in (State.PENDING, ends[word])
        assert state is State.PENDING or done or fault == ANSWER_LOST
        if state is State.PENDING:
            decide(subject)  # the nonce was not used up by the failure
            assert office.state(record) is ends[word]
        if word == "approve":
            office.carry_out(office.desk.get(record.number), State.FAILED)

    assert fail_at_every_call(office.engine, fault, prepare, decide, check) > 10
    assert office.verify().ok


async def test_the_executor_writes_once_and_only_after_its_intent(floor: Floor):
    settings = floor.configure(lease_s=60)
    work = await asyncio.to_thread(open_workplace, settings, Clock())
    assert await asyncio.to_thread(work.tenure.begin)
    at, happened = 0, True
    try:
        while happened:
            at += 1
            await asyncio.to_thread(work.tenure.extend)
            old, new = (1000.0, 1050.0)[:: 1 - 2 * (len(floor.written()) % 2)]
            record = await asyncio.to_thread(floor.ready, new, old)
            written = len(floor.written())
            with failing(work.engine, at, ANSWER_LOST) as failure:
                await _try(work, record)
            happened = failure.happened
            await _end(work, record)
            state, count = floor.state(record), len(floor.written()) - written
            assert (state, count) in ((State.VERIFIED, 1), (State.FAILED, 0))
            assert (floor.execution(record) is not None) or count == 0
            assert_nothing_half_done(floor.engine)
    finally:
        await work.close()
    assert at > 20
    floor.check()


async def _try(work: Workplace, record: Record) -> None:
    try:
        await carry_out(work, record)
    except (Unavailable, Conflict):
        return


async def _end(work: Workplace, record: Record) -> None:
    """What the executor does next: recover what it has begun, take again what is still ready."""
    await recover(work)
    with db.reading(work.engine) as connection:
        current = get(connection, record.proposal.id)
    if current.state is State.READY:
        await carry_out(work, current)
