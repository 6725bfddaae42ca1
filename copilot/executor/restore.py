"""Starts work again in a database that was restored: nothing approved in it counts any more."""

from datetime import datetime

from sqlalchemy import Connection, Engine, update

from copilot import tables
from copilot.approvals import store
from copilot.approvals.states import BEFORE_EXECUTION, State
from copilot.approvals.store import Record
from copilot.audit.log import Entry, append, read_head
from copilot.db import reading, stamp, writing
from copilot.executor import lease
from copilot.executor.lease import NAME
from copilot.executor.watermark import Mark, Restored, Watermark
from copilot_tools.errors import Retry

IN_DOUBT = BEFORE_EXECUTION | {State.EXECUTING}


def in_doubt(engine: Engine) -> list[Record]:
    """What the database calls open; it may have been done, or refused, since the backup."""
    with reading(engine) as connection:
        return store.find(connection, IN_DOUBT)


def accept_restore(
    engine: Engine, watermark: Watermark, login: str, by: str, reason: str, at: datetime
) -> list[Record]:
    """End every open proposal and go on above the old fencing token; who did so is on record.

    `login` is the account of the machine it was done with, `by` the name that was given for it.
    Changes that were being carried out when the backup was made become unknown. Raises Retry when
    the database is the one the executor knows.
    """
    with writing(engine) as connection:
        known = _known(connection, watermark)
        head = read_head(connection)
        data = {
            "by": by,
            "reason": reason,
            "found": {"seq": head.seq, "hash": head.hash},
            "known": {"seq": known.seq, "hash": known.hash, "token": known.token},
        }
        append(connection, Entry("executor.restored", login, "", data), at)
        ended = [_end(connection, record, login, at) for record in store.find(connection, IN_DOUBT)]
        _surpass(connection, login, known.token, at)
        mark = watermark.newest(connection)
    watermark.save(mark)
    return ended


def _known(connection: Connection, watermark: Watermark) -> Mark:
    """What the executor remembers; raises Retry when the database agrees with it."""
    try:
        watermark.check(connection)
    except Restored:
        return _remembered(watermark)
    raise Retry("the database is the one the executor knows; there is no restore to accept")


def _remembered(watermark: Watermark) -> Mark:
    try:
        return watermark.read() or Mark()
    except Restored:
        return Mark()


def _end(connection: Connection, record: Record, login: str, at: datetime) -> Record:
    to = State.EXPIRED
    if record.state is State.PROPOSED:
        to = State.POLICY_DENIED
    if record.state is State.EXECUTING:
        to = State.UNKNOWN
    note = "the database was restored from a backup"
    return store.move(connection, record, to, login, at, {"restored": True}, note)


def _surpass(connection: Connection, login: str, token: int, at: datetime) -> None:
    """A token above every one that was ever given, so that no older executor can write."""
    free = update(tables.lease).where(tables.lease.c.name == NAME)
    connection.execute(free.values(expires=stamp(lease.LONG_AGO)))
    lease.acquire(connection, login, at, lease.NOTHING, token)
