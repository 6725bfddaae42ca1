"""Sessions of browsers: opaque, kept here, ended by time, by their holder or by an administrator.

Only the browser holds a session's token; the database holds its digest. Each request reads the
account again, so a role taken away or an account disabled counts at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, insert, select, update

from copilot import tables
from copilot.accounts.accounts import Accounts
from copilot.accounts.revoke import revoke_sessions
from copilot.actor import Actor
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import reading, stamp, unstamp, writing
from copilot_tools.errors import Denied

TOUCH_EVERY = timedelta(minutes=1)
SHORT = timedelta(minutes=5)  # of quiet, before somebody else may stand at the terminal
KEPT = timedelta(days=30)
AT_ONCE = 10
LONGEST_DEVICE = 200


class Kind(StrEnum):
    """How its holder got in: with a password (or the site's identity provider), or with a badge.

    A badge and its PIN open reading and asking, never a decision. A password that was for once
    opens nothing but the choice of another one.
    """

    FULL = "full"
    BADGE = "badge"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is listed; `digest` names it without giving it away. Times are UTC."""

    digest: str
    account: str
    kind: Kind
    created: datetime
    seen: datetime
    device: str


class Sessions:
    """Sessions in the own database; `idle` and `longest` bound how long one is good for.

    An account has at most ten at once; the next one ends the oldest.
    """

    def __init__(
        self,
        engine: Engine,
        accounts: Accounts,
        now: Callable[[], datetime],
        idle: timedelta = timedelta(minutes=15),
        longest: timedelta = timedelta(hours=12),
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now
        self.idle = idle
        self.longest = longest

    def begin(self, name: str, kind: Kind, device: str) -> str:
        """A new session's token; who begins it must have proven to be `name`."""
        token, at = token_urlsafe(32), self._now()
        row = {
            "digest": digest(token),
            "account": name,
            "kind": kind,
            "created": stamp(at),
            "seen": stamp(at),
            "device": device[:LONGEST_DEVICE],
            "revoked": None,
        }
        with writing(self._engine) as connection:
            self._accounts.load(connection, name, at)
            self._make_room(connection, name, at)
            connection.execute(insert(tables.sessions).values(row))
            append(connection, Entry("session.begun", name, "", {"kind": str(kind)}), at)
        return token

    def find(self, token: str, *, touch: bool = True) -> tuple[Session, Actor] | None:
        """The session and its holder as of now; None when it is not, or no longer, good.

        Only a FULL session's holder counts as authenticated. What goes on by itself, as a stream
        does, asks without `touch`: it must not keep a session awake that nobody sits at.
        """
        at, key = self._now(), digest(token)
        with reading(self._engine) as connection:
            query = select(tables.sessions).where(tables.sessions.c.digest == key)
            row = connection.execute(query).one_or_none()
            if row is None or not self._good(row, at):
                return None
            session = _session(row)
            try:
                actor = self._accounts.load(connection, session.account, at)
            except Denied:
                return None
        if touch and at - session.seen >= TOUCH_EVERY:
            self._touch(key, at)
        return session, replace(actor, authenticated=session.kind is Kind.FULL)

    def open(self, name: str) -> list[Session]:
        """The good sessions of an account, newest first."""
        at, mine = self._now(), tables.sessions.c.account == name
        with reading(self._engine) as connection:
            rows = connection.execute(_unrevoked().where(mine)).all()
        return [_session(row) for row in rows if self._good(row, at)]

    def open_of_all(self) -> dict[str, list[Session]]:
        """The good sessions of every account that has one, newest first."""
        at = self._now()
        with reading(self._engine) as connection:
            rows = connection.execute(_unrevoked()).all()
        found: dict[str, list[Session]] = {}
        for row in rows:
            if self._good(row, at):
                found.setdefault(row.account, []).append(_session(row))
        return found

    def end(self, key: str, name: str, by: str) -> None:
        """End the session of `name` with that digest; one that is over already stays so."""
        with writing(self._engine) as connection:
            which = tables.sessions.c.digest == key
            revoke_sessions(connection, name, by, self._now(), which)

    def end_all(self, name: str, by: str, *, but: str = "") -> None:
        """End every session of an account, all but the one with the digest `but`."""
        with writing(self._engine) as connection:
            which = tables.sessions.c.digest != but
            revoke_sessions(connection, name, by, self._now(), which)

    def _make_room(self, connection: Connection, name: str, at: datetime) -> None:
        """End the oldest sessions above the bound, and forget those that ended long ago."""
        c = tables.sessions.c
        long_ago = stamp(at - self.longest - KEPT)
        connection.execute(delete(tables.sessions).where(c.created < long_ago))
        rows = connection.execute(_unrevoked().where(c.account == name)).all()
        surplus = [row.digest for row in rows if self._good(row, at)][AT_ONCE - 1 :]
        if surplus:
            revoke_sessions(connection, name, name, at, c.digest.in_(surplus))

    def _good(self, row: Row[Any], at: datetime) -> bool:
        age, quiet = at - unstamp(row.created), at - unstamp(row.seen)
        idle = self.idle if row.kind == Kind.FULL else min(self.idle, SHORT)
        return row.revoked is None and age < self.longest and quiet < idle

    def _touch(self, key: str, at: datetime) -> None:
        where = tables.sessions.c.digest == key
        with writing(self._engine) as connection:
            connection.execute(update(tables.sessions).where(where).values(seen=stamp(at)))


def _unrevoked() -> Select[Any]:
    c = tables.sessions.c
    return select(tables.sessions).where(c.revoked.is_(None)).order_by(c.created.desc(), c.seen)


def _session(row: Row[Any]) -> Session:
    return Session(
        digest=row.digest,
        account=row.account,
        kind=Kind(row.kind),
        created=unstamp(row.created),
        seen=unstamp(row.seen),
        device=row.device,
    )
