"""Proposals whose time is up: ended for good, by the server's clock."""

from datetime import datetime

from sqlalchemy import Connection, select

from copilot import tables
from copilot.approvals import store
from copilot.approvals.states import BEFORE_EXECUTION, State
from copilot.approvals.store import Record
from copilot.db import stamp
from copilot.proposal import write_time

AT_ONCE = 200  # the write lock is held no longer than these take


def overdue(record: Record, at: datetime) -> bool:
    """Whether its time is up and the executor has not taken it."""
    return record.state in BEFORE_EXECUTION and at >= record.proposal.expires


def expire(connection: Connection, record: Record, at: datetime) -> Record:
    """End a proposal whose time is up."""
    note = f"its time was up at {write_time(record.proposal.expires)}"
    return store.move(connection, record, State.EXPIRED, "system", at, note=note)


def expire_some(connection: Connection, at: datetime) -> list[Record]:
    """End the oldest of those whose time is up; an empty list when none is left."""
    c = tables.proposals.c
    due = (
        select(c.id)
        .where(c.state.in_(BEFORE_EXECUTION), c.expires <= stamp(at))
        .order_by(c.number)
        .limit(AT_ONCE)
    )
    ids = connection.execute(due).scalars().all()
    return [expire(connection, store.get(connection, key), at) for key in ids]
