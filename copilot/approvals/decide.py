"""What people decide about a proposal, each time as who they are now and with a fresh step-up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert

from copilot import tables
from copilot.accounts.step_up import Meaning
from copilot.actor import Actor
from copilot.approvals import breaker, store
from copilot.approvals.attested import approvals_on_record
from copilot.approvals.expiry import overdue
from copilot.approvals.filing import filed_request
from copilot.approvals.sitting import IN_CHARGE, Judgement, Refused, Sitting
from copilot.approvals.states import BEFORE_EXECUTION, UNDECIDED, State
from copilot.approvals.store import Approval, Record
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import stamp
from copilot_tools.errors import Denied, Retry
from copilot_tools.plant_state import Observation, differences
from copilot_tools.site.model import Site

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody says about a proposal: which account, its step-up nonce, and the reason."""

    account: str
    nonce: str
    reason: str


def approve(sitting: Sitting, number: int, word: Word, observed: Observation) -> Record:
    """One more person agrees; the proposal is ready once enough distinct ones have."""
    record = _awaiting(sitting, number, UNDECIDED)
    proposal = record.proposal
    if record.approvals_needed == 0:
        raise Denied(f"#{number} is confirmed by {proposal.proposer} and nobody else")
    actor = _prove(sitting, record, word, "approve")
    if actor.person == proposal.person:
        raise Denied(f"#{number} was proposed by {actor.person}; somebody else has to approve it")
    _check_first_word(sitting, record, actor)
    asked = sitting.ask("approve", actor, proposal, observed)
    _give(sitting, record, actor, "approve", word, asked)
    _check_unchanged(record, observed)
    sitting.check_proposer(proposal, observed)
    agreed = len({approval.person for approval in agreeing(sitting, record)})
    data = {"approvals": agreed, "approvals_needed": record.approvals_needed}
    if agreed >= record.approvals_needed:
        return _move(sitting, record, State.READY, actor.name, data)
    if record.state is State.PENDING:
        return _move(sitting, record, State.APPROVED, actor.name, data)
    return record


def confirm(sitting: Sitting, number: int, word: Word, observed: Observation) -> Record:
    """The proposer's own yes, where the policy asks for nobody else's."""
    record = _awaiting(sitting, number, UNDECIDED)
    if word.account != record.proposal.proposer:
        raise Denied(f"only {record.proposal.proposer} can confirm #{number}")
    if record.approvals_needed > 0:
        raise Denied(f"#{number} needs the approval of somebody else")
    actor = _prove(sitting, record, word, "confirm")
    asked = sitting.ask("approve", actor, record.proposal, observed, own=True)
    _give(sitting, record, actor, "confirm", word, asked)
    _check_unchanged(record, observed)
    sitting.check_proposer(record.proposal, observed)
    return _move(sitting, record, State.READY, actor.name, {"confirmed": True})


def reject(sitting: Sitting, number: int, word: Word) -> Record:
    """One person who may approve, or is in charge, says no; that ends it, even a ready one."""
    record = _awaiting(sitting, number, BEFORE_EXECUTION)
    proposal = record.proposal
    actor = _prove(sitting, record, word, "reject")
    if actor.person == proposal.person:
        raise Denied(f"#{number} is your own proposal; withdraw it instead")
    asked = None if in_charge(sitting.site, record, actor) else foresee(sitting, record, actor)
    _give(sitting, record, actor, "reject", word, asked)
    record = _move(sitting, record, State.REJECTED, actor.name, note=word.reason.strip())
    refused = proposal.proposer, proposal.person
    breaker.count(sitting.connection, *refused, sitting.at, sitting.settings)
    return record


def withdraw(sitting: Sitting, number: int, account: str, reason: str) -> Record:
    """The proposer takes it back, at any time before it is carried out."""
    record = _awaiting(sitting, number, BEFORE_EXECUTION)
    note = check_reason(reason)
    sitting.identify(account)
    if account != record.proposal.proposer:
        raise Denied(f"only {record.proposal.proposer} can withdraw #{number}")
    return _move(sitting, record, State.WITHDRAWN, account, note=note)


def resolve(sitting: Sitting, number: int, word: Word, applied: bool) -> Record:
    """Somebody in charge has looked whether an unknown change took effect; `reason` is how."""
    record = store.get(sitting.connection, number)
    if record.state is not State.UNKNOWN:
        raise Denied(f"#{number} is {record.state}; only what is unknown can be resolved")
    actor = _prove(sitting, record, word, "resolve_applied" if applied else "resolve_not_applied")
    if not in_charge(sitting.site, record, actor):
        raise Denied(f"#{number} can only be resolved by a supervisor or an engineer of that area")
    to = State.RESOLVED_APPLIED if applied else State.RESOLVED_NOT_APPLIED
    evidence = word.reason.strip()
    return _move(sitting, record, to, actor.name, {"evidence": evidence}, evidence)


def agreeing(sitting: Sitting, record: Record) -> list[Approval]:
    """The approvals on record of exactly this payload by other persons than its proposer."""
    return [
        approval
        for approval in approvals_on_record(sitting.connection, record)
        if approval.meaning == "approve"
        and approval.payload_hash == record.payload_hash
        and approval.person != record.proposal.person
    ]


def in_charge(site: Site, record: Record, actor: Actor) -> bool:
    """Whether this is a supervisor's or engineer's area; records of the ERP belong to none."""
    asset = site.assets.get(record.proposal.change.target.asset)
    here = asset is None or actor.works_in([asset.area])
    return actor.role in IN_CHARGE and here


def foresee(sitting: Sitting, record: Record, actor: Actor) -> Judgement:
    """What the policy says to an approval by this actor with the plant as it was filed.

    A no needs no other plant; for a yes the policy is asked again with the plant as it is.
    """
    filed = filed_request(sitting.connection, record.proposal.id)
    request = replace(filed, verb="approve", actor=actor)
    return Judgement(request, sitting.policy.decide(request))


def check_reason(reason: str) -> str:
    """The reason without blanks around it; raises Retry when there is none or it is too long."""
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise Retry(f"a reason of 1 to {LONGEST_REASON} characters is needed")
    return reason


def _awaiting(sitting: Sitting, number: int, states: frozenset[State]) -> Record:
    record = store.get(sitting.connection, number)
    if overdue(record, sitting.at) or record.state is State.EXPIRED:
        raise Denied(f"#{number} has expired; propose it again")
    if record.state not in states:
        raise Denied(f"#{number} is {record.state}; nothing can be decided about it now")
    return record


def _prove(sitting: Sitting, record: Record, word: Word, meaning: Meaning) -> Actor:
    check_reason(word.reason)
    return sitting.prove(word.account, word.nonce, record.payload_hash, meaning)


def _check_unchanged(record: Record, observed: Observation) -> None:
    """What would be refused when it is carried out need not be approved."""
    changed = differences(record.proposal.change.preconditions, observed)
    if changed:
        raise Denied(f"#{record.number} rests on another state: {'; '.join(changed)}; ask again")


def _check_first_word(sitting: Sitting, record: Record, actor: Actor) -> None:
    given = store.approvals_of(sitting.connection, record.proposal.id)
    if any(approval.person == actor.person for approval in given):
        raise Denied(f"{actor.person} has decided about #{record.number} already")


def _give(
    sitting: Sitting,
    record: Record,
    actor: Actor,
    meaning: Meaning,
    word: Word,
    asked: Judgement | None,
) -> None:
    if asked is not None and not asked.decision.allowed:
        raise Refused(asked)
    row = {
        "proposal": record.proposal.id,
        "account": actor.name,
        "person": actor.person,
        "meaning": meaning,
        "reason": word.reason.strip(),
        "payload_hash": record.payload_hash,
    }
    step_up = digest(word.nonce)
    stored = {**row, "step_up": step_up, "at": stamp(sitting.at)}
    sitting.connection.execute(insert(tables.approvals).values(stored))
    decided = asked.data() if asked else {}
    data = {**row, "number": record.number, "step_up": step_up, **decided}
    entry = Entry("approval.given", actor.name, record.proposal.id, data)
    append(sitting.connection, entry, sitting.at)


def _move(
    sitting: Sitting,
    record: Record,
    to: State,
    actor: str,
    data: Mapping[str, Any] | None = None,
    note: str = "",
) -> Record:
    return store.move(sitting.connection, record, to, actor, sitting.at, data, note)
