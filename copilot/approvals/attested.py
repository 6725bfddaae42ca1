"""What the audit log says of a proposal: rows of other tables count only as far as it agrees.

Whoever can add rows to proposals and approvals but not to the log makes nothing ready.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from copilot import tables
from copilot.approvals import store
from copilot.approvals.store import Approval, Record
from copilot.canonical import digest, read_strict
from copilot.policy.decision import Rule

_SAME = ("account", "person", "meaning", "payload_hash")


def approvals_on_record(connection: Connection, record: Record) -> list[Approval]:
    """The decisions on a proposal that were put on record when they were given, oldest first."""
    given = {
        tuple(row["data"].get(name) for name in _SAME)
        for row in _rows(connection, record.proposal.id)
        if row["kind"] == "approval.given" and row["actor"] == row["data"].get("account")
    }
    return [
        approval
        for approval in store.approvals_of(connection, record.proposal.id)
        if tuple(getattr(approval, name) for name in _SAME) in given
    ]


def unrecorded(connection: Connection, record: Record) -> list[Rule]:
    """Which steps of a ready proposal's life are not on record as its row has them."""
    rows = list(_rows(connection, record.proposal.id))
    steps: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("proposal.proposed", {"payload_hash": record.payload_hash}, "its payload"),
        (
            "proposal.pending_approval",
            {"approvals_needed": record.approvals_needed},
            "how many have to agree",
        ),
        ("proposal.ready", {}, "that it became ready"),
    )
    return [
        Rule("on-record", f"the audit log does not say of #{record.number} {what}")
        for kind, holds, what in steps
        if not any(row["kind"] == kind and holds.items() <= row["data"].items() for row in rows)
    ]


def _rows(connection: Connection, proposal: str) -> Iterator[dict[str, Any]]:
    c = tables.audit.c
    query = select(c.row, c.hash).where(c.proposal == proposal).order_by(c.seq)
    for row in connection.execute(query):
        content = read_strict(row.row)
        if digest(row.row) == row.hash and content["proposal"] == proposal:
            yield content
