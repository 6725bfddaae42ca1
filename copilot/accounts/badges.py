"""Badges with a PIN: they open reading and asking at a kiosk, never a decision.

What a reader types for a badge is kept as its digest, the PIN as an Argon2id hash. Wrong PINs make
one wait as wrong passwords do, for the badge and for the terminal, never for good.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from copilot import tables
from copilot.accounts import back_off
from copilot.accounts.accounts import Accounts
from copilot.accounts.revoke import revoke_sessions
from copilot.accounts.sessions import Kind
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import reading, stamp, unstamp, writing
from copilot_tools.errors import Denied, Retry

WRONG = "badge or PIN is wrong"
SHORTEST, LONGEST = 4, 120  # characters of a badge


@dataclass(frozen=True, slots=True)
class Badge:
    """Whose badge was taken up when; time in UTC."""

    account: str
    created: datetime


class Badges:
    """The badges in the own database, one an account."""

    def __init__(self, engine: Engine, accounts: Accounts, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now

    def set(self, name: str, badge: str, pin: str, *, by: str) -> None:
        """Give an account a badge and its PIN, in place of the one it had.

        Raises Retry for a badge or PIN that is no good, or a badge that somebody else has.
        """
        typed, hashed, at = _typed(badge), self._accounts.passwords.hash_pin(pin), self._now()
        row = {"account": name, "badge": digest(typed), "pin_hash": hashed, "created": stamp(at)}
        try:
            with writing(self._engine) as connection:
                if not self._accounts.known(connection, name):
                    raise Retry(f"there is no account {name!r}")
                _drop(connection, name, by, at)
                connection.execute(insert(tables.badges).values(row))
                append(connection, Entry("badge.set", by, "", {"name": name}), at)
        except IntegrityError:
            raise Retry("somebody else has this badge") from None

    def remove(self, name: str, *, by: str) -> None:
        """Take an account's badge away; raises Retry when it has none."""
        at = self._now()
        with writing(self._engine) as connection:
            if not _drop(connection, name, by, at):
                raise Retry(f"{name} has no badge")
            append(connection, Entry("badge.removed", by, "", {"name": name}), at)

    def enter(self, badge: str, pin: str, address: str = "") -> str:
        """The account behind a badge, for its right PIN; raises Denied without saying why."""
        at, key = self._now(), digest(badge.strip())
        with writing(self._engine) as connection:
            row = _find(connection, tables.badges.c.badge == key)
            name = f"#{digest(row.account)[:32]}" if row else back_off.unknown(key)
            keys = back_off.Keys(name, address)
            wait = back_off.begin_all(connection, keys, at)
        if wait:
            raise Denied(f"too many wrong PINs; try again in {ceil(wait)} s")
        right = self._accounts.passwords.verify(row.pin_hash if row else None, pin)
        with writing(self._engine) as connection:
            if row is not None and right and self._accounts.may_enter(connection, row.account):
                back_off.succeeded_all(connection, keys)
                append(connection, Entry("badge.entered", row.account, "", {}), self._now())
                return str(row.account)
            actor, known = (row.account, True) if row is not None else ("system", False)
            append(connection, Entry("badge.refused", actor, "", {"known": known}), self._now())
        raise Denied(WRONG)

    def list(self) -> list[Badge]:
        """Every badge by account."""
        query = select(tables.badges).order_by(tables.badges.c.account)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [Badge(row.account, unstamp(row.created)) for row in rows]


def _find(connection: Connection, which: Any) -> Row[Any] | None:
    return connection.execute(select(tables.badges).where(which)).one_or_none()


def _drop(connection: Connection, name: str, by: str, at: datetime) -> bool:
    """Remove the badge and what it opened."""
    gone = delete(tables.badges).where(tables.badges.c.account == name)
    revoke_sessions(connection, name, by, at, tables.sessions.c.kind == Kind.BADGE)
    return connection.execute(gone).rowcount > 0


def _typed(badge: str) -> str:
    badge = badge.strip()
    if not SHORTEST <= len(badge) <= LONGEST or not badge.isprintable():
        raise Retry(f"a badge has {SHORTEST} to {LONGEST} printable characters")
    return badge
