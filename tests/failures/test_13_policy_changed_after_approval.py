"""13: the policy is tightened, or loosened, between approval and execution."""

import pytest
from desk_fixture import SITE, Office

from copilot.approvals.desk import Desk
from copilot.approvals.states import State
from copilot.policy.policy import Policy, shipped

NO_SPEED = """
@id("no-speed")
@says("Speeds stay as they are this week")
forbid (principal, action in Action::"write_setpoint", resource) when { resource.name == "speed" };
"""
ENGINEERS_ONLY = """
@id("engineers-only")
@says("Only engineers approve this week")
forbid (principal is User, action in Action::"approve", resource)
unless { principal.role == Role::"engineer" };
"""
TWO_FOR_CRITICAL = "context.approval.count < 2"


def under(office: Office, text: str) -> Desk:
    return office.under(Policy(text, "changed.cedar", SITE, 30.0))


@pytest.mark.parametrize(
    ("added", "why"), [(NO_SPEED, "Speeds stay"), (ENGINEERS_ONLY, "Only engineers approve")]
)
def test_a_tightened_policy_stops_what_was_approved(office: Office, added: str, why: str):
    record = office.approve(office.propose(), "sara")
    assert office.revalidate(record).allowed
    decision = office.revalidate(record, under(office, shipped("default.cedar") + added))
    assert not decision.allowed
    assert why in decision.why()
    assert office.verify().ok


def test_a_loosened_policy_still_needs_the_original_approvals(office: Office):
    record = office.propose("M-1.pressure", 3.5)
    assert record.approvals_needed == 2
    record = office.approve(record, "sara")
    text = shipped("default.cedar")
    loosened = text.replace(TWO_FOR_CRITICAL, "context.approval.count < 1")
    assert loosened != text
    desk = under(office, loosened)
    assert record.state is State.APPROVED
    decision = office.revalidate(record, desk)
    assert not decision.allowed
    assert "1 of 2 needed approvals hold" in decision.why()
    assert office.revalidate(office.approve(record, "emil"), desk).allowed
    assert office.verify().ok
