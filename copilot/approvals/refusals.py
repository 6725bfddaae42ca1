"""What somebody tried and was not allowed to: on record, in a transaction of its own."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from copilot import tables
from copilot.actor import Actor
from copilot.approvals import breaker, store
from copilot.approvals.expiry import expire, overdue
from copilot.approvals.headline import headline
from copilot.approvals.sitting import Refused, Sitting
from copilot.audit.log import Entry, append
from copilot.proposal import Proposal
from copilot_tools.errors import Denied


def record_decision(
    sitting: Sitting, number: int, account: str, meaning: str, nonce: str, refusal: Denied
) -> None:
    """A decision that was refused; its step-up is used up, and what is overdue expires."""
    connection, at = sitting.connection, sitting.at
    record = store.get(connection, number)
    if overdue(record, at):
        expire(connection, record, at)
    data: dict[str, Any] = {"number": number, "meaning": meaning}
    if isinstance(refusal, Refused):
        data |= refusal.judgement.data()
    _append(sitting, "approval.refused", account, record.proposal.id, data, refusal)
    sitting.step_ups.spend(connection, nonce, at)


def record_reset(sitting: Sitting, name: str, account: str, nonce: str, refusal: Denied) -> None:
    """A reset of somebody's breaker that was refused; its step-up is used up."""
    _append(sitting, "breaker.refused", account, "", {"account": name}, refusal)
    sitting.step_ups.spend(sitting.connection, nonce, sitting.at)


def record_proposal(sitting: Sitting, actor: Actor, proposal: Proposal, refusal: Denied) -> None:
    """A proposal that was not even filed: changes are stopped, or its author may not ask."""
    data = {"says": headline(proposal.change)}
    _append(sitting, "proposal.refused", actor.name, "", data, refusal)


def record_call(sitting: Sitting, actor: Actor, asked: str, refusal: Denied) -> None:
    """A change that a tool refused to propose; the breaker counts it."""
    _append(sitting, "proposal.refused", actor.name, "", {"says": asked}, refusal)
    query = select(tables.accounts.c.person).where(tables.accounts.c.name == actor.name)
    person = sitting.connection.execute(query).scalar()
    if person is not None:
        breaker.count(sitting.connection, actor.name, person, sitting.at, sitting.settings)


def _append(
    sitting: Sitting,
    kind: str,
    account: str,
    proposal: str,
    data: Mapping[str, Any],
    refusal: Denied,
) -> None:
    """The row; a name that is no account is not written down, it may be a password."""
    query = select(tables.accounts.c.name).where(tables.accounts.c.name == account)
    known = sitting.connection.execute(query).scalar() is not None
    why = str(refusal) if known else "there is no such account"
    entry = Entry(kind, account if known else "system", proposal, {**data, "why": why})
    append(sitting.connection, entry, sitting.at)
