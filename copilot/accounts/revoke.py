"""Ending sessions inside the transaction of what ends them: a new password, a closed account."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from copilot import tables
from copilot.audit.log import Entry, append
from copilot.db import stamp


def revoke_sessions(connection: Connection, name: str, by: str, at: datetime, *which: Any) -> int:
    """End the sessions of an account, all or `which` of them; how many were still open."""
    c = tables.sessions.c
    ending = update(tables.sessions).where(c.account == name, c.revoked.is_(None), *which)
    ended = connection.execute(ending.values(revoked=stamp(at))).rowcount
    if ended:
        append(connection, Entry("session.ended", by, "", {"name": name, "sessions": ended}), at)
    return ended
