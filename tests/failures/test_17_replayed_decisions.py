"""17: a step-up used twice, one for an older payload, and decisions after the time is up."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from account_fixture import PASSWORD
from desk_fixture import Office
from sqlalchemy import select

from copilot import tables
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.db import reading
from copilot.proposal import freeze
from copilot_tools.errors import Denied


def approve(office: Office, record: Record, by: str, nonce: str) -> Record:
    observed = office.seen(record.proposal.change.target)
    return office.desk.approve(record.number, by, nonce, "looks right", observed)


def test_a_nonce_is_good_for_one_decision(office: Office):
    record = office.propose("M-1.pressure", 3.5)
    nonce = office.nonce("sara", record)
    approve(office, record, "sara", nonce)
    for name in ("sara", "emil"):
        with pytest.raises(Denied):
            approve(office, record, name, nonce)
    assert len(office.desk.approvals(record.number)) == 1
    assert office.state(record) is State.APPROVED
    assert len(office.audited("step_up.used")) == 1
    assert office.verify().ok


def test_a_password_for_an_older_form_does_not_approve_the_newer(office: Office):
    older = office.propose(value=1050.0)
    nonce = office.nonce("sara", older)
    newer = office.propose(value=1100.0)
    assert office.state(older) is State.SUPERSEDED
    with pytest.raises(Denied, match="another form of this proposal"):
        approve(office, newer, "sara", nonce)
    with pytest.raises(Denied, match="is superseded"):
        approve(office, older, "sara", nonce)
    assert office.state(newer) is State.PENDING
    assert office.verify().ok


def test_an_approval_of_other_content_does_not_count(office: Office):
    """The row says payload A; the proposal in hand says B: nothing is carried out."""
    record = office.approve(office.propose(), "sara")
    proposal = record.proposal
    change = replace(
        proposal.change,
        arguments={**proposal.change.arguments, "value": 1100.0},
        new=1100.0,
    )
    other = replace(proposal, change=change)
    decision = office.revalidate(replace(record, proposal=other))
    assert not decision.allowed
    assert "is not what was approved" in decision.why()
    decision = office.revalidate(replace(record, proposal=other, payload_hash=freeze(other)[1]))
    assert not decision.allowed


def test_a_step_up_goes_stale(office: Office):
    record = office.propose()
    nonce = office.nonce("sara", record)
    office.clock.advance(seconds=61)
    with pytest.raises(Denied, match="too long ago"):
        approve(office, record, "sara", nonce)
    assert office.state(record) is State.PENDING


LATE: dict[str, Callable[[Office, Record], Record]] = {
    "approve": lambda office, record: office.approve(record, "sara"),
    "reject": lambda office, record: office.reject(record, "sara"),
    "withdraw": lambda office, record: office.desk.withdraw(record.number, "olga", "no longer"),
}


@pytest.mark.parametrize("late", LATE)
def test_expired_is_final(office: Office, late: str):
    record = office.propose()
    office.clock.advance(minutes=30)
    with pytest.raises(Denied, match="has expired"):
        LATE[late](office, record)
    assert office.state(record) is State.EXPIRED
    office.clock.advance(seconds=-1)
    with pytest.raises(Denied, match="has expired"):
        LATE[late](office, record)
    assert office.state(record) is State.EXPIRED
    assert len(office.audited("approval.refused")) == 2
    assert office.verify().ok


def test_what_was_ready_in_time_expires_too(office: Office):
    record = office.approve(office.propose(), "sara")
    office.clock.advance(minutes=31)
    assert "the time of #1 is up" in office.revalidate(record).why()
    assert [r.state for r in office.desk.expire_due()] == [State.EXPIRED]
    assert office.desk.expire_due() == []
    assert office.verify().ok


def test_somebody_elses_password_is_no_use(office: Office):
    record = office.propose()
    nonce = office.step_ups.issue("otto", PASSWORD, record.payload_hash, "approve")
    with pytest.raises(Denied, match="needs your password"):
        approve(office, record, "sara", nonce)
    assert office.state(record) is State.PENDING


def test_a_password_for_a_rejection_does_not_approve(office: Office):
    record = office.propose()
    nonce = office.nonce("sara", record, "reject")
    with pytest.raises(Denied, match="for another decision"):
        approve(office, record, "sara", nonce)
    with pytest.raises(Denied, match="used before"):
        office.desk.reject(record.number, "sara", nonce, "not now")
    assert office.state(record) is State.PENDING
    assert office.verify().ok


def test_what_was_refused_needs_the_password_again(office: Office):
    """A refusal for the plant's sake uses the nonce up: it is no stock for a better moment."""
    record = office.propose()
    nonce = office.nonce("sara", record)
    locked = office.seen(record.proposal.change.target, lockout=True)
    with pytest.raises(Denied, match="locked out"):
        office.desk.approve(record.number, "sara", nonce, "looks right", locked)
    with pytest.raises(Denied, match="used before"):
        approve(office, record, "sara", nonce)
    assert office.approve(record, "sara").state is State.READY
    assert [row["actor"] for row in office.audited("step_up.refused")] == ["sara"]
    assert office.verify().ok


def test_the_database_never_holds_a_nonce(office: Office):
    record = office.propose()
    nonce = office.nonce("sara", record)
    approve(office, record, "sara", nonce)
    with reading(office.engine) as connection:
        rows = [connection.execute(select(t)).all() for t in (tables.step_ups, tables.approvals)]
    assert all(rows)
    assert nonce not in repr(rows)
    assert nonce not in repr(office.audited_about(record))
