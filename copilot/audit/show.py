"""Audit rows as people read them: the plant's time, what happened, who did it, the details."""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from copilot import tables
from copilot.audit.log import AuditRow
from copilot.canonical import read_strict, write_canonical
from copilot.proposal import read_time
from copilot_tools.display import printable

LONGEST = 280  # characters of one line


def newest_rows(connection: Connection, count: int, proposal: int | None = None) -> list[AuditRow]:
    """The last rows, of one proposal by its number or of all, oldest first."""
    c, p = tables.audit.c, tables.proposals.c
    query = select(c.seq, c.row, c.hash, c.proposal).order_by(c.seq.desc()).limit(count)
    if proposal is not None:
        query = query.where(
            c.proposal == select(p.id).where(p.number == proposal).scalar_subquery()
        )
    return [AuditRow(*row) for row in connection.execute(query)][::-1]


def write_row(row: AuditRow, zone: ZoneInfo) -> str:
    """One line: number, local time with offset, kind, actor and details."""
    try:
        content = read_strict(row.text)
        at = read_time(content["at"]).astimezone(zone).isoformat(" ", "seconds")
        details = write_canonical(_short(content["data"]))
        line = f"{row.seq:>7}  {at}  {content['kind']:<26} {content['actor']:<14} {details}"
    except (ValueError, KeyError, TypeError):
        return f"{row.seq:>7}  this row was altered and cannot be read"
    shown = printable(line)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def _short(data: dict[str, Any]) -> dict[str, Any]:
    """The details without what fills pages: a payload is what it says, a request is left out."""
    short = {name: value for name, value in data.items() if name != "request"}
    if short.keys() >= {"payload", "payload_hash"}:
        short["payload"] = read_strict(short["payload"])["says"]
    return short
