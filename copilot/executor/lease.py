"""One executor at a time: a lease with a fencing token that only ever grows.

Every transition the executor makes checks its token in the same transaction, so that one that was
stopped, and has been replaced meanwhile, can write nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Row, insert, select, update

from copilot import tables
from copilot.audit.log import Entry, append
from copilot.db import stamp, unstamp

NAME = "executor"
NOTHING = timedelta()
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class StaleLease(Exception):
    """Another executor has taken over; nothing was written."""

    def __init__(self, token: int) -> None:
        super().__init__(f"another executor has taken over from the one with token {token}")


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may carry changes out, and until when (UTC) unless it is renewed."""

    holder: str
    token: int
    expires: datetime


def acquire(
    connection: Connection, holder: str, at: datetime, lasts: timedelta, above: int = 0
) -> Lease | None:
    """The lease with a new token, greater than any before and than `above`; None while another
    executor holds it.
    """
    current = read(connection)
    if current is not None and at < current.expires:
        return None
    before = current.token if current else 0
    lease = Lease(holder, max(before, above) + 1, at + lasts)
    _write(connection, lease)
    data = {"token": lease.token, "holder": holder, "before": before}
    append(connection, Entry("executor.lease", NAME, "", data), at)
    return lease


def renew(connection: Connection, lease: Lease, at: datetime, lasts: timedelta) -> Lease:
    """The same lease for longer; raises StaleLease."""
    check(connection, lease.token)
    longer = Lease(lease.holder, lease.token, at + lasts)
    _write(connection, longer)
    return longer


def release(connection: Connection, lease: Lease) -> None:
    """Let the next executor start at once, whatever the clocks say; raises StaleLease."""
    check(connection, lease.token)
    _write(connection, Lease(lease.holder, lease.token, LONG_AGO))


def check(connection: Connection, token: int) -> None:
    """Raises StaleLease unless this token is the newest there is."""
    current = read(connection)
    if current is None or current.token != token:
        raise StaleLease(token)


def read(connection: Connection) -> Lease | None:
    """The lease as it stands; None before the first executor ever started."""
    query = select(tables.lease).where(tables.lease.c.name == NAME)
    row: Row[tuple[str, str, int, datetime]] | None = connection.execute(query).one_or_none()
    return Lease(row.holder, row.token, unstamp(row.expires)) if row else None


def _write(connection: Connection, lease: Lease) -> None:
    values = {"holder": lease.holder, "token": lease.token, "expires": stamp(lease.expires)}
    changed = connection.execute(
        update(tables.lease).where(tables.lease.c.name == NAME).values(values)
    )
    if not changed.rowcount:
        connection.execute(insert(tables.lease).values(name=NAME, **values))
