"""The audit log: one row an event, each holding the hash of the row before it.

A row is written in the transaction of what it records; when it cannot be written, nothing happens.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from copilot import tables
from copilot.canonical import digest, write_canonical
from copilot.proposal import read_time, write_time
from copilot_tools.errors import Retry, Unavailable

GENESIS = "0" * 64
STEP_BACK = timedelta(seconds=2)  # what a time server may correct without being noticed
CLOCK_ACCEPTED = "clock.accepted"
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded: `kind` names the event ("proposal.ready"), `actor` who caused it.

    Kinds are listed in docs/audit.md. `data` holds plain JSON values only.
    """

    kind: str
    actor: str
    proposal: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row as it is stored: `text` is canonical JSON, `hash` its SHA-256."""

    seq: int
    text: str
    hash: str
    proposal: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row as the log remembers it; `at` as payloads write a time."""

    seq: int
    hash: str
    at: str


def append(connection: Connection, entry: Entry, at: datetime) -> int:
    """Add a row at the end of the chain and return its number.

    Raises Unavailable when the log takes no row, and when the clock stands before the newest one:
    an order that cannot be trusted is not written down.
    """
    head = _lock_head(connection)
    newest = read_time(head.at)
    if at < newest - STEP_BACK:
        raise Unavailable(
            "the clock",
            f"it shows {write_time(at)}, but the audit log was written at {head.at}; set the clock "
            "right, or `copilot audit accept-clock` where the log is the one that was ahead",
        )
    return _write(connection, head, entry, max(at, newest))


def accept_clock(connection: Connection, by: str, reason: str, at: datetime) -> int:
    """Put on record that the log was ahead of the true time, and go on from `at`.

    The only row that may be earlier than the one before it. Raises Retry when nothing is ahead.
    """
    head = _lock_head(connection)
    if at >= read_time(head.at) - STEP_BACK:
        raise Retry(f"the audit log is not ahead of the clock: its newest row is of {head.at}")
    entry = Entry(CLOCK_ACCEPTED, by, "", {"reason": reason, "newest": head.at})
    return _write(connection, head, entry, at)


def read_head(connection: Connection) -> Head:
    """Where the chain ends."""
    row = connection.execute(select(tables.audit_head)).one()
    return Head(row.seq, row.hash, row.at)


def read_rows(connection: Connection, after: int = 0) -> Iterator[AuditRow]:
    """Every row behind number `after`, oldest first; a page of them is in memory at a time."""
    c = tables.audit.c
    page = select(c.seq, c.row, c.hash, c.proposal).order_by(c.seq).limit(PAGE)
    while rows := connection.execute(page.where(c.seq > after)).all():
        yield from (AuditRow(*row) for row in rows)
        after = rows[-1].seq


def _lock_head(connection: Connection) -> Row[Any]:
    return connection.execute(select(tables.audit_head).with_for_update()).one()


def _write(connection: Connection, head: Row[Any], entry: Entry, at: datetime) -> int:
    seq = int(head.seq) + 1
    text = write_canonical(
        {
            "seq": seq,
            "at": write_time(at),
            "kind": entry.kind,
            "actor": entry.actor,
            "proposal": entry.proposal,
            "data": dict(entry.data),
            "previous": head.hash,
        }
    )
    link = digest(text)
    values = {"seq": seq, "row": text, "hash": link, "proposal": entry.proposal}
    try:
        connection.execute(insert(tables.audit).values(values))
    except IntegrityError as error:  # Not somebody who was quicker: the head is locked.
        raise Unavailable("the audit log", f"it takes no row {seq}: {error.orig}") from error
    moved = {"seq": seq, "hash": link, "at": write_time(at)}
    connection.execute(update(tables.audit_head).values(moved))
    return seq
