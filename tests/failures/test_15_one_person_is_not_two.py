"""15: the same approver twice, two accounts of one person, the proposer, an agent's identity."""

import pytest
from account_fixture import PASSWORD
from desk_fixture import START, Office
from sqlalchemy import insert, update

from copilot import tables
from copilot.accounts.step_up import bind
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.canonical import digest
from copilot.db import stamp, writing
from copilot.proposal import freeze
from copilot_tools.errors import Denied


@pytest.fixture
def record(office: Office) -> Record:
    """A change that two other persons have to approve, and one has."""
    return office.approve(office.propose("M-1.pressure", 3.5), "sara")


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ("sara", "decided about #1 already"),
        ("sara.backup", "decided about #1 already"),
        ("olga", "somebody else has to approve"),
        ("olga.boss", "somebody else has to approve"),
    ],
)
def test_no_second_approval(office: Office, record: Record, account: str, why: str):
    with pytest.raises(Denied, match=why):
        office.approve(record, account)
    assert office.state(record) is State.APPROVED
    assert len(office.desk.approvals(record.number)) == 1
    refused = office.audited("approval.refused")
    assert [(row["actor"], row["data"]["meaning"]) for row in refused] == [(account, "approve")]
    assert office.verify().ok


def test_who_approved_may_still_say_no(office: Office, record: Record):
    assert office.reject(record, "sara").state is State.REJECTED
    assert [word.meaning for word in office.desk.approvals(record.number)] == ["approve", "reject"]


@pytest.mark.parametrize("name", ["executor", "agent"])
@pytest.mark.parametrize("role", ["supervisor", "executor"])
def test_no_machine_approves(office: Office, record: Record, name: str, role: str):
    """Not even with an account that was put into the database by hand."""
    with writing(office.engine) as connection:
        row = {
            "name": name,
            "person": name,
            "role": role,
            "areas": ["*"],
            "shifts": [],
            "password_hash": "",
            "disabled": False,
            "created": stamp(START),
        }
        connection.execute(insert(tables.accounts).values(row))
        bound = bind(record.payload_hash, "approve")
        step_up = {"nonce": digest("n"), "account": name, "payload_hash": bound}
        issued = {**step_up, "issued": stamp(START), "used": None}
        connection.execute(insert(tables.step_ups).values(issued))
    observed = office.seen(record.proposal.change.target)
    with pytest.raises(Denied):
        office.desk.approve(record.number, name, "n", "why not", observed)
    assert office.state(record) is State.APPROVED
    assert office.verify().ok


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ("otto", "no rule permits this"),
        ("tina", "no rule permits this"),
        ("sven", "none of your areas"),
        ("root", "Administrators"),
    ],
)
def test_not_everybody_approves(office: Office, account: str, why: str):
    record = office.propose()
    with pytest.raises(Denied, match=why):
        office.approve(record, account)
    refused = office.audited("approval.refused")[0]["data"]
    assert refused["decision"]["allowed"] is False
    assert refused["decision"]["request"]["actor"]["name"] == account
    assert office.state(record) is State.PENDING
    assert office.verify().ok


def test_nobody_else_confirms(office: Office):
    record = office.acknowledge()
    for name in ("otto", "sara", "olga.boss"):
        with pytest.raises(Denied, match="only olga can confirm"):
            office.confirm(record, name)
    assert office.confirm(record, "olga").state is State.READY
    assert office.verify().ok


def test_nobody_confirms_what_others_have_to_approve(office: Office):
    record = office.propose()
    with pytest.raises(Denied, match="approval of somebody else"):
        office.confirm(record, "olga")
    assert office.state(record) is State.PENDING


def test_an_unknown_account_is_not_written_down(office: Office):
    record = office.propose()
    observed = office.seen(record.proposal.change.target)
    with pytest.raises(Denied):
        office.desk.approve(record.number, PASSWORD, "n", "why not", observed)
    refused = office.audited("approval.refused")[0]
    assert refused["actor"] == "system"
    assert PASSWORD not in str(refused)


def put_in_by_hand(office: Office, record: Record, account: str, person: str) -> None:
    """An approval that the desk never took."""
    row = {
        "proposal": record.proposal.id,
        "account": account,
        "person": person,
        "meaning": "approve",
        "reason": "put in by hand",
        "payload_hash": record.payload_hash,
        "step_up": f"by hand {account}",
        "at": stamp(office.clock()),
    }
    with writing(office.engine) as connection:
        connection.execute(insert(tables.approvals).values(row))


def test_the_proposers_own_approval_never_counts(office: Office, record: Record):
    put_in_by_hand(office, record, "olga.boss", "olga")
    decision = office.revalidate(record)
    assert not decision.allowed
    assert office.approve(record, "emil").state is State.READY
    office.accounts.disable("emil", by="root")
    assert "1 of 2 needed approvals hold" in office.revalidate(record).why()


def test_an_approval_is_no_confirmation(office: Office):
    record = office.acknowledge()
    put_in_by_hand(office, record, "sara", "sara")
    assert "0 of 1 needed approvals hold" in office.revalidate(record).why()
    assert office.revalidate(office.confirm(record, "olga")).allowed


def test_an_approval_that_is_not_on_record_does_not_count(office: Office, record: Record):
    put_in_by_hand(office, record, "emil", "emil")
    assert "needs two approvals" in office.revalidate(record).why()
    assert office.approve(record, "erna").state is State.READY
    assert office.revalidate(record).allowed
    office.accounts.disable("erna", by="root")
    assert "1 of 2 needed approvals hold" in office.revalidate(record).why()


def test_rows_put_in_by_hand_carry_nothing_out(office: Office):
    """A proposal and its approvals, whole and right, that no desk ever took."""
    proposal = office.proposal("olga", office.change("M-1.pressure", 3.5))
    payload, payload_hash = freeze(proposal)
    at = stamp(office.clock())
    row = {
        "id": proposal.id,
        "number": 1,
        "key": "k",
        "tool": "write_setpoint",
        "target": "setpoint:M-1.pressure",
        "asset": "M-1",
        "proposer": "olga",
        "payload": payload,
        "payload_hash": payload_hash,
        "state": State.READY,
        "version": 4,
        "approvals_needed": 2,
        "created": at,
        "expires": stamp(proposal.expires),
        "changed": at,
        "note": "",
    }
    with writing(office.engine) as connection:
        connection.execute(insert(tables.proposals).values(row))
    record = office.desk.get(1)
    for name in ("sara", "emil"):
        put_in_by_hand(office, record, name, name)
    why = office.revalidate(record).why()
    assert not office.revalidate(record).allowed
    assert "nobody has agreed to it yet" in why
    for what in ("its payload", "how many have to agree", "that it became ready"):
        assert f"the audit log does not say of #1 {what}" in why


def test_a_lowered_number_of_approvals_is_noticed(office: Office, record: Record):
    """Two were needed when it was filed; the row now says one, and that it is ready."""
    changed = update(tables.proposals).values(approvals_needed=1, state=State.READY)
    with writing(office.engine) as connection:
        connection.execute(changed)
    why = office.revalidate(office.desk.get(record.number)).why()
    assert "the audit log does not say of #1 how many have to agree" in why
