"""Waiting after wrong passwords: longer each time, but never for good, or anyone could lock out
a colleague while the plant needs him.

The count is in the database, so that it holds for every process, and a try is counted before its
password is looked at, so that it holds for tries at the same time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from copilot import tables
from copilot.canonical import digest
from copilot.db import stamp, unstamp

FREE = 3
FREE_OF_ADDRESS = 20  # a whole shift may sit behind one
LONGEST_S = 30.0
FORGOTTEN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Keys:
    """What a try counts for: a name, and the address that it comes from where it has one."""

    name: str
    address: str = ""

    @property
    def of_address(self) -> str:
        """The key of the address; no name has an @ in it."""
        return f"@{self.address[:70]}" if self.address else ""


def begin_all(connection: Connection, keys: Keys, at: datetime) -> float:
    """Count a try for its name and for its address; the seconds still to wait for either."""
    if keys.of_address:
        wait = begin(connection, keys.of_address, at, FREE_OF_ADDRESS)
        if wait:
            return wait
    return begin(connection, keys.name, at)


def succeeded_all(connection: Connection, keys: Keys) -> None:
    """Forget the wrong passwords of the name, and one of the address: its own try and one more,
    so that nobody wipes out many wrong ones by signing in as themselves in between.
    """
    succeeded(connection, keys.name)
    if keys.of_address:
        c = tables.wrong_passwords.c
        row = c.key == keys.of_address
        connection.execute(
            update(tables.wrong_passwords).where(row, c.tries >= 2).values(tries=c.tries - 2)
        )
        connection.execute(delete(tables.wrong_passwords).where(row, c.tries <= 1))


def begin(connection: Connection, key: str, at: datetime, free: int = FREE) -> float:
    """Count a try of a password as a wrong one; the seconds still to wait when it is too early.

    Behind the `free` ones the next waits 1 s, then the wait doubles up to half a minute.
    """
    c = tables.wrong_passwords.c
    row = connection.execute(select(tables.wrong_passwords).where(c.key == key)).one_or_none()
    since = at - unstamp(row.last) if row else FORGOTTEN
    if row is None or not timedelta(0) <= since < FORGOTTEN:  # or the clock was put back
        succeeded(connection, key)
        connection.execute(insert(tables.wrong_passwords).values(key=key, tries=1, last=stamp(at)))
        return 0.0
    wait = wait_s(row.tries, free) - since.total_seconds()
    if wait > 0:
        return wait
    tried = update(tables.wrong_passwords).where(c.key == key)
    connection.execute(tried.values(tries=row.tries + 1, last=stamp(at)))
    return 0.0


def wait_s(tries: int, free: int = FREE) -> float:
    """How long the next try has to wait after so many wrong ones."""
    return min(2.0 ** min(tries - free - 1, 10), LONGEST_S) if tries > free else 0.0


def succeeded(connection: Connection, key: str) -> None:
    """Forget the wrong passwords of a name."""
    connection.execute(delete(tables.wrong_passwords).where(tables.wrong_passwords.c.key == key))


def unknown(name: str) -> str:
    """The key of a name that is no account: one of 4096, since it may be a password that was typed
    in the wrong field. No account is called like one of these.
    """
    return f"?{digest(name.encode('utf-8', 'replace').decode())[:3]}"
