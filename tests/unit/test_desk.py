from dataclasses import replace
from datetime import timedelta

import pytest
from account_fixture import PASSWORD
from desk_fixture import PEOPLE, SITE, Office

from copilot.accounts.step_up import Meaning
from copilot.actor import Role
from copilot.approvals import switches
from copilot.approvals.breaker import reset_subject
from copilot.approvals.states import State
from copilot.approvals.store import move
from copilot.db import reading, writing
from copilot.policy.policy import Policy, shipped
from copilot.policy.request import read_request
from copilot.proposal import Provenance
from copilot_tools.changes import Change, Target
from copilot_tools.errors import Denied, Failed, Retry
from copilot_tools.facts import Quality


def test_a_proposal_waits_for_somebody_else(office: Office):
    record = office.propose()
    assert (record.number, record.state, record.approvals_needed) == (1, State.PENDING, 1)
    assert office.desk.list() == [record]
    assert [rule.id for rule in office.desk.rules(1)] == ["propose-plant-change"]
    record = office.approve(record, "sara", "  within limits ")
    assert record.state is State.READY
    approval = office.desk.approvals(1)[0]
    assert (approval.account, approval.meaning) == ("sara", "approve")
    assert approval.reason == "within limits"
    assert approval.payload_hash == record.payload_hash


def test_what_has_changed_since_it_was_shown_is_not_approved(office: Office):
    record = office.propose()
    office.live["M-1.speed"] = 1010.0
    with pytest.raises(Denied, match="#1 rests on another state: M-1.speed set value was 1000"):
        office.approve(record, "sara")
    assert office.state(record) is State.PENDING
    assert office.desk.approvals(1) == []


def test_what_policy_denies_is_stored_with_its_rules(office: Office):
    record = office.propose(value=1400.0)
    assert record.state is State.POLICY_DENIED
    assert "a step of 400 rpm is more than M-1.speed may take, 200 rpm" in record.note
    row = office.audited("proposal.policy_denied")[0]
    assert row["data"]["note"] == record.note
    with pytest.raises(Denied, match="is policy_denied"):
        office.approve(record, "sara")


def test_every_decision_in_the_log_can_be_asked_again(office: Office):
    record = office.propose()
    office.propose("M-1.pressure", 9.0)
    office.approve(record, "sara")
    policy = Policy.load(None, SITE)
    kinds = ("proposal.pending_approval", "proposal.policy_denied", "approval.given")
    rows = [row for kind in kinds for row in office.audited(kind)]
    assert len(rows) == 3
    for row in rows:
        decision = row["data"]["decision"]
        again = policy.decide(read_request(decision["request"]))
        assert again.allowed is decision["allowed"]
        assert [rule.id for rule in again.rules] == [rule["id"] for rule in decision["rules"]]
        assert (decision["policy"], decision["schema"]) == (policy.hash, policy.schema_hash)
        assert decision["engine"] == policy.engine


def test_a_critical_or_tainted_change_needs_two(office: Office):
    record = office.propose("M-1.pressure", 3.5)
    assert record.approvals_needed == 2
    assert office.approve(record, "sara").state is State.APPROVED
    assert office.approve(record, "emil").state is State.READY
    change = office.change("M-1.speed", 1050.0)
    tainted = office.file(change, provenance={"value": Provenance.RETRIEVED})
    assert tainted.approvals_needed == 2


def test_three_approvals_where_policy_wants_three(office: Office):
    text = shipped("default.cedar").replace(
        "context.approval.count < 2", "context.approval.count < 3"
    )
    office.desk = office.under(Policy(text, "three.cedar", SITE, 30.0))
    record = office.propose("M-1.pressure", 3.5)
    assert record.approvals_needed == 3
    states = [office.approve(record, name).state for name in ("sara", "emil", "erna")]
    assert states == [State.APPROVED, State.APPROVED, State.READY]
    assert office.revalidate(office.desk.get(1)).allowed


def test_a_change_nobody_could_approve_is_denied_at_once(office: Office):
    never = '@id("never") @says("Never") forbid (principal is Executor, action, resource);'
    office.desk = office.under(Policy(shipped("default.cedar") + never, "n.cedar", SITE, 30.0))
    record = office.propose()
    assert record.state is State.POLICY_DENIED
    assert "nobody can approve this" in record.note


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_decision_needs_a_reason(office: Office, reason: str):
    record = office.propose()
    with pytest.raises(Retry, match="a reason of 1 to 500 characters"):
        office.approve(record, "sara", reason)
    assert office.state(record) is State.PENDING


@pytest.mark.parametrize("name", ["sara", "emil", "root"])
def test_one_rejection_ends_it_even_when_ready(office: Office, name: str):
    record = office.approve(office.propose("M-1.speed"), "erna")
    record = office.reject(record, name)
    assert (record.state, record.note) == (State.REJECTED, "not now")


@pytest.mark.parametrize("name", ["otto", "sven", "olga.boss"])
def test_not_everybody_rejects(office: Office, name: str):
    record = office.propose()
    with pytest.raises(Denied):
        office.reject(record, name)
    assert office.state(record) is State.PENDING


def test_a_rejection_needs_nothing_of_the_plant(office: Office):
    """Who may approve by the site's own policy can say no, whatever the plant does now."""
    mine = '@id("t") @says("T") permit (principal is User, action in Action::"approve", resource)'
    text = shipped("default.cedar") + mine + ' when { principal.role == Role::"technician" };'
    office.desk = office.under(Policy(text, "t.cedar", SITE, 30.0))
    record = office.propose()
    office.clock.advance(minutes=10)
    assert office.reject(record, "tina").state is State.REJECTED


def test_only_the_proposer_withdraws(office: Office):
    record = office.propose()
    with pytest.raises(Denied, match="only olga"):
        office.desk.withdraw(record.number, "olga.boss", "changed my mind")
    assert office.desk.withdraw(record.number, "olga", "enough").state is State.WITHDRAWN


def test_a_locked_out_machine_takes_no_approval(office: Office):
    record = office.propose()
    observed = office.seen(record.proposal.change.target, lockout=True)
    nonce = office.nonce("sara", record)
    with pytest.raises(Denied, match="locked out"):
        office.desk.approve(record.number, "sara", nonce, "go", observed)
    assert office.approve(record, "sara").state is State.READY
    assert office.audited("step_up.used")[-1]["actor"] == "sara"


def test_the_observation_has_to_be_of_the_target(office: Office):
    record = office.propose()
    other = office.change("P-2.speed", 950.0)
    with pytest.raises(Failed, match=r"P-2.speed was observed, not M-1.speed"):
        office.desk.approve(
            1, "sara", office.nonce("sara", record), "go", office.seen(other.target)
        )


def test_a_change_is_bound_to_the_plant_as_it_is(office: Office):
    """What was shown has to be all of what the plant model asks for, as it is now."""
    right = office.change("M-1.speed", 1050.0)
    bound = right.preconditions
    live = bound[-1]
    for wrong in (
        (),
        bound[:-1],
        (*bound, bound[0]),
        (*bound[:-1], replace(live, shown=1003.0)),
        (*bound[:-1], replace(live, shown="1000")),
        (*bound[:-1], replace(live, tolerance=1e9)),
        (*bound[:-1], replace(live, name="other")),
        (replace(bound[0], shown="stopped"), *bound[1:]),
        (bound[0], replace(bound[1], shown=0), *bound[2:]),
        (replace(bound[0], quality=Quality.BAD), *bound[1:]),
    ):
        with pytest.raises(Denied, match="not bound to the plant"):
            office.file(replace(right, preconditions=wrong))
    assert office.desk.list() == []
    assert office.file(replace(right, preconditions=bound[::-1])).state is State.PENDING


@pytest.mark.parametrize("old", [1002.5, 1200.0, None, "1000"])
def test_a_change_starts_from_the_present_value(office: Office, old: float | str | None):
    with pytest.raises(Retry, match="please ask for it again"):
        office.file(office.change("M-1.speed", 1050.0, old=old))
    assert office.desk.list() == []
    assert office.file(office.change("M-1.speed", 1050.0, old=1001.5)).state is State.PENDING


def test_a_proposal_is_worded_from_what_is_sent(office: Office):
    record = office.file(office.change("M-1.speed", 1050.0, says="M-1 speed 1000 -> 1001 rpm"))
    assert record.proposal.change.says == "M-1 speed 1000 rpm -> 1050 rpm"
    lying = office.change("M-1.pressure", 3.5)
    lying = replace(lying, arguments={**lying.arguments, "value": 3.1})
    denied = office.file(lying)
    assert "the argument 'value' is not what is shown" in denied.note


def test_who_proposed_has_to_be_somebody_who_still_could(office: Office):
    waiting = office.propose()
    ready = office.approve(office.propose("M-1.pressure", 3.1), "sara")
    ready = office.approve(ready, "emil")
    assert office.revalidate(ready).allowed
    office.accounts.change_areas("olga", ["S"], by="root")
    with pytest.raises(Denied, match="olga may not propose this any more"):
        office.approve(waiting, "sara")
    assert "olga may not propose this any more" in office.revalidate(ready).why()
    office.accounts.change_areas("olga", ["N"], by="root")
    office.accounts.disable("olga", by="root")
    with pytest.raises(Denied, match="'olga' is disabled"):
        office.approve(waiting, "sara")
    assert "'olga' is disabled" in office.revalidate(ready).why()
    assert office.desk.approvals(waiting.number) == []
    office.accounts.enable("olga", by="root")
    assert office.approve(waiting, "sara").state is State.READY


def test_nobody_proposes_in_another_name(office: Office):
    change = office.change("M-1.speed", 1050.0)
    observed = office.seen(change.target)
    forged = office.proposal("otto", change)
    with pytest.raises(Failed, match="in the name of otto"):
        office.desk.submit(office.actor("olga"), forged, "k", observed)
    with pytest.raises(Failed, match="is not held by"):
        office.desk.submit(office.actor("otto"), replace(forged, person="sara"), "k", observed)
    lasting = replace(forged, expires=office.clock() + timedelta(hours=9))
    with pytest.raises(Failed, match="as long as the site allows"):
        office.desk.submit(office.actor("otto"), lasting, "k", observed)
    assert office.desk.list() == []


def test_who_is_not_signed_in_proposes_nothing(office: Office):
    change = office.change("M-1.speed", 1050.0)
    actor = replace(office.actor("olga"), authenticated=False)
    record = office.desk.submit(
        actor, office.proposal("olga", change), "k", office.seen(change.target)
    )
    assert (record.state, record.note) == (State.POLICY_DENIED, "you are not signed in")


def test_a_disabled_account_proposes_nothing(office: Office):
    actor = office.actor("olga")
    change = office.change("M-1.speed", 1050.0)
    office.accounts.disable("olga", by="root")
    with pytest.raises(Denied, match="disabled"):
        office.desk.submit(actor, office.proposal("olga", change), "k", office.seen(change.target))
    assert office.audited("proposal.refused")[0]["data"]["why"] == "the account 'olga' is disabled"


def test_nothing_is_filed_while_changes_are_stopped(office: Office):
    with writing(office.engine) as connection:
        switches.stop(connection, "sara", "strange readings", office.clock())
    stop = office.desk.stopped()
    assert stop is not None
    assert stop.reason == "strange readings"
    with pytest.raises(Denied, match="stopped for everybody by sara: strange readings"):
        office.propose()
    with writing(office.engine) as connection:
        switches.release(connection, "sara", "instrument mended", office.clock())
    assert office.desk.stopped() is None
    assert office.propose().state is State.PENDING
    kinds = ("switch.stop", "proposal.refused", "switch.release")
    assert [len(office.audited(kind)) for kind in kinds] == [1, 1, 1]


def refuse(office: Office, times: int) -> None:
    for turn in range(times):
        office.propose(value=1400.0 + turn)
        office.clock.advance(seconds=10)


def reset(office: Office, by: str) -> None:
    nonce = office.step_ups.issue(by, PASSWORD, reset_subject("olga"), "reset")
    office.desk.reset_breaker("olga", by, nonce)


def test_the_breaker_opens_and_stays_open(office: Office):
    refuse(office, 4)
    assert office.propose().state is State.PENDING
    office.reject(office.desk.get(5), "sara")
    assert len(office.audited("breaker.open")) == 1
    office.clock.advance(hours=5)
    with pytest.raises(Denied, match=r"a supervisor has to reset this .*reset-breaker olga"):
        office.propose()
    assert office.propose(by="otto").state is State.PENDING
    assert office.verify().ok


def test_refusals_far_apart_do_not_open_it(office: Office):
    for _ in range(3):
        refuse(office, 2)
        office.clock.advance(minutes=16)
    assert office.audited("breaker.open") == []
    assert office.propose().state is State.PENDING


def test_it_counts_for_a_person_whatever_the_account(office: Office):
    office.accounts.change_role("olga.boss", Role.ENGINEER, by="root")
    refuse(office, 3)
    for value in (1400.0, 1401.0):
        office.propose(value=value, by="olga.boss")
        office.clock.advance(seconds=10)
    for name in ("olga", "olga.boss"):
        with pytest.raises(Denied, match="too many proposals of olga"):
            office.propose(by=name)
    reset(office, "sara")
    assert office.propose(by="olga.boss").state is State.PENDING


def test_what_a_tool_refused_to_propose_counts_too(office: Office):
    for turn in range(5):
        refusal = Denied("M-1.trip belongs to the safety system")
        office.desk.record_refused(office.actor("olga"), f"write_setpoint {turn}", refusal)
    row = office.audited("proposal.refused")[0]
    assert row["data"]["why"] == "M-1.trip belongs to the safety system"
    with pytest.raises(Denied, match="too many proposals of olga"):
        office.propose()
    nobody = replace(office.actor("olga"), name="nobody")
    office.desk.record_refused(nobody, "write_setpoint", Denied("no"))
    assert office.audited("proposal.refused")[-1]["actor"] == "system"
    assert office.verify().ok


def test_what_the_plant_refuses_at_execution_is_nobodys_fault(office: Office):
    for turn in range(5):
        record = office.approve(office.propose(value=1050.0 + turn), "sara")
        with writing(office.engine) as connection:
            move(connection, record, State.POLICY_DENIED, "executor", office.clock())
    assert office.propose().state is State.PENDING


def test_only_another_person_in_charge_resets_it(office: Office):
    refuse(office, 5)
    for name in ("otto", "olga.boss"):
        with pytest.raises(Denied, match="another person, a supervisor or engineer"):
            reset(office, name)
    reset(office, "sven")
    assert office.audited("breaker.reset")[0]["data"] == {"account": "olga", "person": "olga"}
    refused = office.audited("breaker.refused")
    assert [row["actor"] for row in refused] == ["otto", "olga.boss"]
    assert office.propose().state is State.PENDING
    office.desk.withdraw(6, "olga", "test")
    refuse(office, 4)
    assert office.propose().state is State.PENDING
    with pytest.raises(Retry, match="no account"):
        office.desk.reset_breaker("nobody", "sara", "n")


def test_a_reset_needs_a_password_given_for_it(office: Office):
    refuse(office, 5)
    nonce = office.nonce("sara", office.desk.get(1))
    with pytest.raises(Denied, match="for another"):
        office.desk.reset_breaker("olga", "sara", nonce)
    with pytest.raises(Denied):
        office.propose()


def test_what_was_moved_within_the_hour_counts(office: Office):
    target = office.change("M-1.speed", 1050.0).target
    for value in (1150.0, 1000.0):
        office.carry_out(office.approve(office.propose(value=value), "sara"))
        office.clock.advance(minutes=5)
    with reading(office.engine) as connection:
        assert office.desk.moved(connection, target, office.clock()) == 300.0
    record = office.propose(value=1150.0)
    assert record.state is State.POLICY_DENIED
    assert "may move by 400 rpm an hour; it moved by 300 rpm" in record.note
    office.clock.advance(minutes=56)
    assert office.propose(value=1150.0).state is State.PENDING


def test_the_rate_is_asked_again_before_execution(office: Office):
    """A second change was carried out between filing and execution of the first."""
    record = office.approve(office.propose(value=1150.0), "sara")
    office.clock.advance(minutes=1)
    assert office.revalidate(record).allowed
    record = office.carry_out(record)
    later = office.approve(office.propose(value=1350.0), "sara")
    assert office.revalidate(later).allowed
    office.carry_out(later)
    assert office.propose(value=1450.0).state is State.POLICY_DENIED


def test_undo_is_a_new_proposal_with_its_own_approvals(office: Office):
    record = office.carry_out(office.approve(office.propose(value=1100.0), "sara"))
    change = record.proposal.change
    undo = office.desk.undo(1, office.actor("otto"), office.seen(change.target), "c9")
    assert undo.state is State.PENDING
    reverse = undo.proposal.change
    assert (reverse.old, reverse.new, reverse.unit) == (1100.0, 1000.0, "rpm")
    assert reverse.arguments == {"asset": "M-1", "setpoint": "speed", "value": 1000.0}
    assert reverse.says == "M-1 speed 1100 rpm -> 1000 rpm"
    assert undo.proposal.undoes == record.proposal.id
    assert undo.proposal.proposer == "otto"
    assert [p.kind for p in reverse.preconditions] == ["state", "lockout", "alarms", "value"]
    assert office.desk.undo(1, office.actor("otto"), office.seen(change.target)) == undo
    assert office.approve(undo, "sara").state is State.READY


def test_undo_sets_what_a_person_could_have_set(office: Office):
    """A 32-bit controller gave 3.2 as 3.200000047683716."""
    office.live["M-1.pressure"] = 3.200000047683716
    record = office.propose("M-1.pressure", 3.5)
    office.carry_out(office.approve(office.approve(record, "sara"), "emil"))
    undo = office.desk.undo(1, office.actor("otto"), office.seen(record.proposal.change.target))
    assert undo.state is State.PENDING, undo.note
    assert undo.proposal.change.new == undo.proposal.change.arguments["value"] == 3.2


def test_what_cannot_be_undone_says_why(office: Office):
    pending = office.propose(value=1100.0)
    target = pending.proposal.change.target
    otto = office.actor("otto")
    with pytest.raises(Retry, match="is pending_approval; only what took effect"):
        office.desk.undo(1, otto, office.seen(target))
    office.carry_out(office.approve(pending, "sara"))
    office.live["M-1.speed"] = 1180.0
    with pytest.raises(Retry, match="is 1180 rpm now, no longer what #1 set"):
        office.desk.undo(1, otto, office.seen(target))
    with pytest.raises(Retry, match="cannot be read now"):
        office.desk.undo(1, otto, replace(office.seen(target), live=None))
    alarm = office.confirm(office.acknowledge(), "olga")
    office.carry_out(alarm)
    with pytest.raises(Retry, match="only setpoint changes can"):
        office.desk.undo(2, otto, office.seen(alarm.proposal.change.target))


@pytest.mark.parametrize("applied", [True, False])
def test_somebody_in_charge_resolves_what_is_unknown(office: Office, applied: bool):
    record = office.carry_out(office.approve(office.propose(), "sara"), State.UNKNOWN)
    seen = "read at the panel"
    meaning: Meaning = "resolve_applied" if applied else "resolve_not_applied"
    for name in ("otto", "tina", "sven"):
        with pytest.raises(Denied, match="a supervisor or an engineer"):
            office.desk.resolve(1, name, office.nonce(name, record, meaning), applied, seen)
    with pytest.raises(Retry):
        office.desk.resolve(1, "sara", office.nonce("sara", record, meaning), applied, " ")
    resolved = office.desk.resolve(1, "sara", office.nonce("sara", record, meaning), applied, seen)
    assert resolved.state == ("resolved_applied" if applied else "resolved_not_applied")
    assert resolved.note == seen
    with pytest.raises(Denied, match="only what is unknown"):
        office.desk.resolve(1, "emil", office.nonce("emil", record, meaning), applied, seen)
    assert office.verify().ok


def test_records_of_the_erp_belong_to_no_area(office: Office):
    target = Target("batch", "B-7")
    change = Change("hold_batch", target, {"batch": "B-7"}, "quality hold on batch B-7")
    record = office.file(change)
    assert office.reject(record, "sven").state is State.REJECTED


def test_an_unknown_number_is_said_so(office: Office):
    with pytest.raises(Retry, match="there is no proposal 7"):
        office.desk.withdraw(7, "olga", "none")
    assert office.audited("approval.refused") == []


def test_everybody_of_the_fixture_is_who_the_table_says(office: Office):
    assert {account.name: account.person for account in office.accounts.list()} == {
        name: person for name, (_, _, person, _) in PEOPLE.items()
    }
