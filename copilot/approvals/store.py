"""Proposals in the database: stored once, moved only by compare-and-swap, each step audited."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from copilot import tables
from copilot.approvals.states import OPEN, State, may_become
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import stamp, unstamp
from copilot.proposal import Proposal, freeze, thaw
from copilot_tools.errors import Failed, Retry


@dataclass(frozen=True, slots=True)
class Record:
    """A stored proposal and where it stands; `number` is what people call it, `note` why it is so.

    `version` counts its transitions. `approvals_needed` distinct persons must agree.
    """

    proposal: Proposal
    number: int
    payload_hash: str
    state: State
    version: int
    approvals_needed: int
    changed: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A decision of one person about one payload: `meaning` is approve, confirm or reject.

    `confirm` is the proposer's own yes where policy allows it; it never counts as an approval.
    """

    account: str
    person: str
    meaning: str
    reason: str
    payload_hash: str
    at: datetime


class Conflict(Retry):
    """Somebody else was quicker: the proposal is no longer in the state it was read in."""


def add(
    connection: Connection, proposal: Proposal, key: str, approvals_needed: int, at: datetime
) -> Record:
    """Store a new proposal in state `proposed` with its audit row; `key` must never have been used.

    Raises sqlalchemy's IntegrityError when the key, or an open change of the target, is there.
    """
    payload, payload_hash = freeze(proposal)
    number = (connection.execute(select(func.max(tables.proposals.c.number))).scalar() or 0) + 1
    row = {
        "id": proposal.id,
        "number": number,
        "key": key,
        "tool": proposal.change.tool,
        "target": f"{proposal.change.target.kind}:{proposal.change.target.key}",
        "asset": proposal.change.target.asset,
        "proposer": proposal.proposer,
        "payload": payload,
        "payload_hash": payload_hash,
        "state": State.PROPOSED,
        "version": 1,
        "approvals_needed": approvals_needed,
        "created": stamp(proposal.created),
        "expires": stamp(proposal.expires),
        "changed": stamp(at),
        "note": "",
    }
    connection.execute(insert(tables.proposals).values(row))
    entry = {"number": number, "payload": payload, "payload_hash": payload_hash}
    append(connection, Entry("proposal.proposed", proposal.proposer, proposal.id, entry), at)
    return get(connection, proposal.id)


def move(
    connection: Connection,
    record: Record,
    to: State,
    actor: str,
    at: datetime,
    data: Mapping[str, Any] | None = None,
    note: str = "",
) -> Record:
    """Take a proposal from the state it was read in to another; the audit row goes with it.

    Raises Conflict when it is not in that state and version any more, Failed for a step that does
    not exist.
    """
    if not may_become(record.state, to):
        raise Failed(f"proposal #{record.number} is {record.state} and cannot become {to}")
    c = tables.proposals.c
    values = {"state": to, "version": record.version + 1, "changed": stamp(at), "note": note}
    moved = connection.execute(
        update(tables.proposals)
        .where(c.id == record.proposal.id, c.state == record.state, c.version == record.version)
        .values(values)
    )
    if moved.rowcount != 1:
        raise Conflict(f"proposal #{record.number} has just been changed by somebody else")
    details = {"from": record.state, "version": record.version + 1, "note": note, **(data or {})}
    append(connection, Entry(f"proposal.{to}", actor, record.proposal.id, details), at)
    return get(connection, record.proposal.id)


def get(connection: Connection, reference: str | int) -> Record:
    """A proposal by its id or its number; raises Retry when there is none, Failed when altered."""
    c = tables.proposals.c
    where = c.number == reference if isinstance(reference, int) else c.id == reference
    row = connection.execute(select(tables.proposals).where(where)).one_or_none()
    if row is None:
        raise Retry(f"there is no proposal {reference}")
    return _record(row)


def by_key(connection: Connection, key: str) -> Record | None:
    """The proposal that was stored with this idempotency key."""
    row = connection.execute(
        select(tables.proposals).where(tables.proposals.c.key == key)
    ).one_or_none()
    return _record(row) if row else None


def open_on(connection: Connection, target: str) -> Record | None:
    """The one open proposal on a target ("setpoint:K-7.speed")."""
    c = tables.proposals.c
    row = connection.execute(
        select(tables.proposals).where(c.target == target, c.state.in_(OPEN))
    ).one_or_none()
    return _record(row) if row else None


def find(
    connection: Connection,
    states: Collection[State] = tuple(State),
    limit: int = 1000,
    after: int = 0,
) -> list[Record]:
    """Proposals in these states, oldest first; the next page comes `after` the last number."""
    c = tables.proposals.c
    wanted = c.state.in_(states), c.number > after
    query = select(tables.proposals).where(*wanted).order_by(c.number).limit(limit)
    return [_record(row) for row in connection.execute(query)]


def search(
    connection: Connection,
    states: Collection[State],
    person: str = "",
    asset: str = "",
    before: int = 0,
    limit: int = 50,
) -> list[Record]:
    """Proposals in these states, newest first; the next page comes `before` the last number.

    `person` is an account that asked or decided, `asset` the machine of the target.
    """
    c, given = tables.proposals.c, tables.approvals.c
    query = select(tables.proposals).where(c.state.in_(states))
    if person:
        decided = select(given.proposal).where(given.account == person)
        query = query.where(or_(c.proposer == person, c.id.in_(decided)))
    if asset:
        query = query.where(c.asset == asset)
    if before:
        query = query.where(c.number < before)
    query = query.order_by(c.number.desc()).limit(limit)
    return [_record(row) for row in connection.execute(query)]


def approvals_of(connection: Connection, proposal: str) -> list[Approval]:
    """The decisions on a proposal, oldest first."""
    c = tables.approvals.c
    query = select(tables.approvals).where(c.proposal == proposal).order_by(c.id)
    return [
        Approval(r.account, r.person, r.meaning, r.reason, r.payload_hash, unstamp(r.at))
        for r in connection.execute(query)
    ]


def _record(row: Row[Any]) -> Record:
    if digest(row.payload) != row.payload_hash:
        raise Failed(f"proposal #{row.number} was altered in the database; nothing is done with it")
    return Record(
        proposal=thaw(row.payload),
        number=row.number,
        payload_hash=row.payload_hash,
        state=State(row.state),
        version=row.version,
        approvals_needed=row.approvals_needed,
        changed=unstamp(row.changed),
        note=row.note,
    )
