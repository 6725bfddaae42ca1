"""Waiting after wrong passwords: longer each time, but never for good, or anyone could lock out
a colleague while the plant needs him.

The count is in the database, so that it holds for every process, and a try is counted before its
password is looked at, so that it holds for tries at the same time.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from copilot import tables
from copilot.canonical import digest
from copilot.db import stamp, unstamp

FREE = 3
LONGEST_S = 30.0
FORGOTTEN = timedelta(hours=1)


def begin(connection: Connection, key: str, at: datetime) -> float:
    """Count a try of a password as a wrong one; the seconds still to wait when it is too early.

    The fifth wrong one in a row waits 1 s, then the wait doubles up to half a minute.
    """
    c = tables.wrong_passwords.c
    row = connection.execute(select(tables.wrong_passwords).where(c.key == key)).one_or_none()
    since = at - unstamp(row.last) if row else FORGOTTEN
    if row is None or not timedelta(0) <= since < FORGOTTEN:  # or the clock was put back
        succeeded(connection, key)
        connection.execute(insert(tables.wrong_passwords).values(key=key, tries=1, last=stamp(at)))
        return 0.0
    wait = wait_s(row.tries) - since.total_seconds()
    if wait > 0:
        return wait
    tried = update(tables.wrong_passwords).where(c.key == key)
    connection.execute(tried.values(tries=row.tries + 1, last=stamp(at)))
    return 0.0


def wait_s(tries: int) -> float:
    """How long the next try has to wait after so many wrong ones."""
    return min(2.0 ** min(tries - FREE - 1, 10), LONGEST_S) if tries > FREE else 0.0


def succeeded(connection: Connection, key: str) -> None:
    """Forget the wrong passwords of a name."""
    connection.execute(delete(tables.wrong_passwords).where(tables.wrong_passwords.c.key == key))


def unknown(name: str) -> str:
    """The key of a name that is no account: one of 4096, since it may be a password that was typed
    in the wrong field. No account is called like one of these.
    """
    return f"?{digest(name.encode('utf-8', 'replace').decode())[:3]}"
