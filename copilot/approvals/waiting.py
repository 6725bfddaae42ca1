"""Whose word a proposal waits for, as the policy that comes with the copilot would have it.

A guess for lists and counters: who may really decide, the policy says when somebody does.
"""

from collections.abc import Iterable

from copilot.actor import Actor, Role
from copilot.approvals.decide import in_charge
from copilot.approvals.states import UNDECIDED, State
from copilot.approvals.store import Record
from copilot_tools.site.model import Site

APPROVERS = (Role.SUPERVISOR, Role.ENGINEER)


def waiting_for(site: Site, records: Iterable[Record], actor: Actor) -> int:
    """How many of these proposals wait for a word of this actor."""
    return sum(waits_for(site, record, actor) for record in records)


def waits_for(site: Site, record: Record, actor: Actor) -> bool:
    """Whether this actor could confirm, approve or resolve the proposal as it stands."""
    if record.state is State.UNKNOWN:
        return in_charge(site, record, actor)
    if record.state not in UNDECIDED:
        return False
    if record.approvals_needed == 0:
        return actor.name == record.proposal.proposer
    own = actor.person == record.proposal.person
    approves = actor.role in APPROVERS and actor.on_shift
    return not own and approves and in_charge(site, record, actor)
