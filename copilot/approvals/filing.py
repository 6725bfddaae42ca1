"""What the policy was asked when a proposal was filed, and which rules answered."""

from typing import Any

from sqlalchemy import Connection, select

from copilot import tables
from copilot.canonical import read_strict
from copilot.policy.decision import Rule
from copilot.policy.request import Request, read_request
from copilot_tools.errors import Failed

FILED = ("proposal.pending_approval", "proposal.policy_denied")


def fired_rules(connection: Connection, proposal: str) -> tuple[Rule, ...]:
    """The rules of the last decision about filing it, or about refusing to carry it out."""
    decision = _decision(connection, proposal)
    return tuple(Rule(rule["id"], rule["says"]) for rule in decision["rules"])


def filed_request(connection: Connection, proposal: str) -> Request:
    """The request it was filed with: who asked, and the plant as it was then."""
    return read_request(_decision(connection, proposal)["request"])


def _decision(connection: Connection, proposal: str) -> dict[str, Any]:
    c = tables.audit.c
    query = select(c.row).where(c.proposal == proposal).order_by(c.seq.desc())
    for text in connection.execute(query).scalars():
        row = read_strict(text)
        if row["kind"] in FILED and "decision" in row["data"]:
            decision: dict[str, Any] = row["data"]["decision"]
            return decision
    raise Failed("the audit log has no decision about this proposal")
