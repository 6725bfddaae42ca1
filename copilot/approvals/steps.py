"""The life of a proposal as the audit log has it, for people: when, what, who, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from copilot import tables
from copilot.canonical import read_strict
from copilot.proposal import read_time
from copilot_tools.display import printable

MOST = 200  # of one proposal; refused attempts can be many


@dataclass(frozen=True, slots=True)
class Step:
    """One audit row about a proposal: `kind` as docs/audit.md lists them, `why` in words."""

    seq: int
    at: datetime
    kind: str
    actor: str
    meaning: str
    why: str


def steps_of(connection: Connection, proposal: str) -> list[Step]:
    """The newest steps of a proposal, oldest first."""
    c = tables.audit.c
    query = select(c.row, c.seq).where(c.proposal == proposal).order_by(c.seq.desc()).limit(MOST)
    rows = connection.execute(query).all()
    return [_step(row.seq, read_strict(row.row)) for row in reversed(rows)]


def _step(seq: int, row: dict[str, Any]) -> Step:
    data = row["data"]
    why = data.get("reason") or data.get("why") or data.get("evidence") or data.get("note") or ""
    return Step(
        seq=seq,
        at=read_time(row["at"]),
        kind=row["kind"],
        actor=printable(row["actor"]),
        meaning=str(data.get("meaning", "")),
        why=printable(str(why)),
    )
