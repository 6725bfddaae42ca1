"""Asked again before anything is sent: the payload, everybody who agreed, and the policy now.

Rows are not believed alone: only what the audit log has too counts. An approval counts only while
whoever gave it could give it again: same person, account open, role, area and shift as the policy
wants them today; and whoever proposed could still propose. A policy that asks for fewer approvals
than the one the proposal was filed under takes none of the needed ones away.
"""

from dataclasses import replace

from copilot.actor import Actor, Role
from copilot.approvals.attested import approvals_on_record, unrecorded
from copilot.approvals.decide import agreeing
from copilot.approvals.sitting import Judgement, Sitting
from copilot.approvals.store import Approval, Record
from copilot.policy.decision import Decision, Rule
from copilot.policy.request import EXECUTOR
from copilot.proposal import freeze
from copilot_tools.errors import Denied
from copilot_tools.plant_state import Observation


def revalidate(sitting: Sitting, record: Record, observed: Observation) -> Judgement:
    """Whether the executor may carry this out now, and if not, every reason why."""
    given = {approval.person for approval in agreeing(sitting, record)}
    judgement = _execute(sitting, record, observed, len(given), record.approvals_needed == 0)
    broken = [
        *_expired(sitting, record),
        *_altered(record),
        *unrecorded(sitting.connection, record),
    ]
    if judgement.decision.allowed:  # else the plant or the policy is why, not the approvals
        agreed, lapsed = _agreed(sitting, record, observed)
        confirmed = _confirmed(sitting, record, observed, lapsed)
        judgement = _execute(sitting, record, observed, len(agreed), confirmed)
        broken += _gone(sitting, record, observed)
        if len(agreed) < record.approvals_needed:
            broken.append(_missing(len(agreed), record.approvals_needed, lapsed))
        if record.approvals_needed == 0 and not confirmed:
            broken.append(_missing(0, 1, lapsed))
    return replace(judgement, decision=_with(judgement.decision, broken))


def _execute(
    sitting: Sitting, record: Record, observed: Observation, approvers: int, confirmed: bool
) -> Judgement:
    executor = Actor(EXECUTOR, Role.OPERATOR, authenticated=True)  # known by name, not by role
    return sitting.ask(
        "execute", executor, record.proposal, observed, approvers=approvers, confirmed=confirmed
    )


def _agreed(sitting: Sitting, record: Record, observed: Observation) -> tuple[set[str], list[str]]:
    """The persons whose approvals still hold, and why each of the others does not."""
    agreed, lapsed = set[str](), list[str]()
    for approval in agreeing(sitting, record):
        reason = _lapsed(sitting, record, approval, observed, own=False)
        if reason is None:
            agreed.add(approval.person)
        else:
            lapsed.append(reason)
    return agreed, lapsed


def _confirmed(sitting: Sitting, record: Record, observed: Observation, lapsed: list[str]) -> bool:
    """Whether the proposer's own yes is there and still holds."""
    for approval in approvals_on_record(sitting.connection, record):
        own = (approval.account, approval.person) == (
            record.proposal.proposer,
            record.proposal.person,
        )
        if approval.meaning != "confirm" or approval.payload_hash != record.payload_hash or not own:
            continue
        reason = _lapsed(sitting, record, approval, observed, own=True)
        if reason is None:
            return True
        lapsed.append(reason)
    return False


def _lapsed(
    sitting: Sitting, record: Record, approval: Approval, observed: Observation, *, own: bool
) -> str | None:
    """Why an approval does not count any more."""
    try:
        actor = sitting.identify(approval.account)
    except Denied as error:
        return str(error)
    if actor.person != approval.person:
        return f"the account {approval.account!r} is held by somebody else now"
    actor = replace(actor, authenticated=True)  # by the step-up this approval was given with
    decision = sitting.ask("approve", actor, record.proposal, observed, own=own).decision
    return None if decision.allowed else f"{approval.account}: {decision.why()}"


def _expired(sitting: Sitting, record: Record) -> list[Rule]:
    if sitting.at < record.proposal.expires:
        return []
    return [Rule("expired", f"the time of #{record.number} is up")]


def _gone(sitting: Sitting, record: Record, observed: Observation) -> list[Rule]:
    """Why whoever proposed it could not propose it any more."""
    try:
        sitting.check_proposer(record.proposal, observed)
    except Denied as error:
        return [Rule("proposer-holds", str(error))]
    return []


def _altered(record: Record) -> list[Rule]:
    if freeze(record.proposal)[1] == record.payload_hash:
        return []
    return [Rule("payload-altered", f"#{record.number} is not what was approved")]


def _missing(holding: int, needed: int, lapsed: list[str]) -> Rule:
    because = f" ({'; '.join(lapsed)})" if lapsed else ""
    return Rule("approvals-hold", f"{holding} of {needed} needed approvals hold{because}")


def _with(decision: Decision, broken: list[Rule]) -> Decision:
    """The decision as it is, or denied for what is broken besides what the policy forbids."""
    if not broken:
        return decision
    forbidding = () if decision.allowed else decision.rules
    return replace(decision, allowed=False, rules=(*broken, *forbidding))
