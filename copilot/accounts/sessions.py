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

from sqlalchemy import Engine, Row, insert, select, update

from copilot import tables
from copilot.accounts.accounts import Accounts
from copilot.actor import Actor
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import reading, stamp, unstamp, writing
from copilot_tools.errors import Denied

TOUCH_EVERY = timedelta(minutes=1)
LONGEST_DEVICE = 200


class Kind(StrEnum):
    """How its holder got in: with a password (or the site's identity provider), or with a badge.

    A badge and its PIN open reading and asking, never a decision.
    """

    FULL = "full"
    BADGE = "badge"


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
    """Sessions in the own database; `idle` and `longest` bound how long one is good for."""

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
            connection.execute(insert(tables.sessions).values(row))
            append(connection, Entry("session.begun", name, "", {"kind": str(kind)}), at)
        return token

    def find(self, token: str) -> tuple[Session, Actor] | None:
        """The session and its holder as of now; None when it is not, or no longer, good.

        Only a FULL session's holder counts as authenticated.
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
        if at - session.seen >= TOUCH_EVERY:
            self._touch(key, at)
        return session, replace(actor, authenticated=session.kind is Kind.FULL)

    def open(self, name: str) -> list[Session]:
        """The good sessions of an account, newest first."""
        c, at = tables.sessions.c, self._now()
        query = select(tables.sessions).where(c.account == name, c.revoked.is_(None))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(c.created.desc())).all()
        return [_session(row) for row in rows if self._good(row, at)]

    def end(self, key: str, name: str, by: str) -> None:
        """End the session of `name` with that digest; one that is over already stays so."""
        self._end(tables.sessions.c.digest == key, name, by)

    def end_all(self, name: str, by: str) -> None:
        """End every session of an account."""
        self._end(tables.sessions.c.account == name, name, by)

    def _end(self, which: Any, name: str, by: str) -> None:
        c, at = tables.sessions.c, self._now()
        open_ones = (which, c.account == name, c.revoked.is_(None))
        with writing(self._engine) as connection:
            ended = connection.execute(
                update(tables.sessions).where(*open_ones).values(revoked=stamp(at))
            ).rowcount
            if ended:
                entry = Entry("session.ended", by, "", {"name": name, "sessions": ended})
                append(connection, entry, at)

    def _good(self, row: Row[Any], at: datetime) -> bool:
        age, quiet = at - unstamp(row.created), at - unstamp(row.seen)
        return row.revoked is None and age < self.longest and quiet < self.idle

    def _touch(self, key: str, at: datetime) -> None:
        where = tables.sessions.c.digest == key
        with writing(self._engine) as connection:
            connection.execute(update(tables.sessions).where(where).values(seen=stamp(at)))


def _session(row: Row[Any]) -> Session:
    return Session(
        digest=row.digest,
        account=row.account,
        kind=Kind(row.kind),
        created=unstamp(row.created),
        seen=unstamp(row.seen),
        device=row.device,
    )
