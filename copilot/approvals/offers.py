"""What somebody may decide about a proposal as it stands, and in words why not.

Only what a page offers: whether a decision counts, the desk says when it is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from copilot.actor import Actor
from copilot.approvals.decide import in_charge
from copilot.approvals.states import BEFORE_EXECUTION, UNDECIDED, State
from copilot.approvals.store import Approval, Record
from copilot.approvals.undo import TOOK_EFFECT
from copilot.approvals.undo import TOOL as UNDOABLE
from copilot.policy.decision import Decision
from copilot_tools.site.model import Site


class Choice(StrEnum):
    """What can be decided about a proposal."""

    APPROVE = "approve"
    CONFIRM = "confirm"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    RESOLVE = "resolve"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Offer:
    """A decision that is due; where this actor cannot make it, `refusal` says why."""

    choice: Choice
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A proposal, what was decided about it, and what the policy foresees for this actor."""

    site: Site
    record: Record
    approvals: tuple[Approval, ...]
    foreseen: Decision
    actor: Actor


def offers(standing: Standing) -> list[Offer]:
    """The decisions that are due, those that this actor can make first."""
    found = [*_agreeing(standing), *_ending(standing), *_after(standing)]
    return sorted(found, key=lambda offer: bool(offer.refusal))


def _agreeing(standing: Standing) -> Iterator[Offer]:
    record, actor = standing.record, standing.actor
    if record.state not in UNDECIDED:
        return
    proposer = record.proposal.proposer
    if record.approvals_needed == 0:
        own = actor.name == proposer
        yield Offer(Choice.CONFIRM, "" if own else f"{proposer} confirms it, nobody else has to")
        return
    if actor.person == record.proposal.person:
        yield Offer(Choice.APPROVE, "you asked for it yourself; somebody else has to approve it")
    elif any(approval.person == actor.person for approval in standing.approvals):
        yield Offer(Choice.APPROVE, "you have decided about it already")
    else:
        foreseen = standing.foreseen
        yield Offer(Choice.APPROVE, "" if foreseen.allowed else foreseen.why())


def _ending(standing: Standing) -> Iterator[Offer]:
    record, actor = standing.record, standing.actor
    if record.state not in BEFORE_EXECUTION:
        return
    if actor.name == record.proposal.proposer:
        yield Offer(Choice.WITHDRAW)
    elif actor.person != record.proposal.person:
        may = in_charge(standing.site, record, actor) or standing.foreseen.allowed
        why = "who may approve it, or is in charge of that area, may reject it"
        yield Offer(Choice.REJECT, "" if may else why)


def _after(standing: Standing) -> Iterator[Offer]:
    record = standing.record
    if record.state is State.UNKNOWN:
        may = in_charge(standing.site, record, standing.actor)
        why = "a supervisor or an engineer of that area has to look and say so"
        yield Offer(Choice.RESOLVE, "" if may else why)
    if record.state in TOOK_EFFECT and record.proposal.change.tool == UNDOABLE:
        yield Offer(Choice.UNDO)
