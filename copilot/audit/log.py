"""The audit log: one row an event, each holding the hash of the row before it.

A row is written in the transaction of what it records; when it cannot be written, nothing happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from copilot import tables
from copilot.canonical import digest, write_canonical
from copilot.proposal import read_time, write_time
from copilot_tools.errors import Unavailable

GENESIS = "0" * 64
STEP_BACK = timedelta(seconds=2)  # what a time server may correct without being noticed


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded: `kind` names the event ("proposal.ready"), `actor` who caused it.

    Kinds are listed in docs/audit.md. `data` holds plain JSON values only.
    """

    kind: str
    actor: str
    proposal: str
    data: Mapping[str, Any]


def append(connection: Connection, entry: Entry, at: datetime) -> int:
    """Add a row at the end of the chain and return its number.

    Raises Unavailable when the clock stands before the newest row: an order that cannot be trusted
    is not written down.
    """
    head = connection.execute(select(tables.audit_head).with_for_update()).one()
    at = _not_before(at, read_time(head.at))
    seq = int(head.seq) + 1
    row = write_canonical(
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
    link = digest(row)
    values = {"seq": seq, "row": row, "hash": link, "proposal": entry.proposal}
    connection.execute(insert(tables.audit).values(values))
    moved = {"seq": seq, "hash": link, "at": write_time(at)}
    connection.execute(update(tables.audit_head).values(moved))
    return seq


def _not_before(at: datetime, newest: datetime) -> datetime:
    if at < newest - STEP_BACK:
        raise Unavailable(
            "the clock", f"it shows {write_time(at)}, but the audit log was written at {newest}"
        )
    return max(at, newest)
