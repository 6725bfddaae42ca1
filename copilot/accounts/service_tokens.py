"""Service tokens: other programs read and ask with one; none can ever propose or approve."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from copilot import tables
from copilot.actor import Actor, Role
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import reading, stamp, unstamp, writing
from copilot_tools.errors import Retry

PREFIX = "copilot_"
LONGEST_DAYS = 366
TOUCH_EVERY = timedelta(minutes=1)

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,59}")


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """A token as it is listed, without the secret. Times are UTC."""

    id: str
    name: str
    made_by: str
    created: datetime
    expires: datetime
    seen: datetime | None
    revoked: bool


class ServiceTokens:
    """The tokens in the own database; only their digests are kept."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def add(self, name: str, days: int, *, by: str) -> str:
        """Make a token and return it, this once; raises Retry when name or days are no good."""
        if not _NAME.fullmatch(name):
            raise Retry(f"{name!r} cannot be a token: use lower-case letters, digits, dots, dashes")
        if not 1 <= days <= LONGEST_DAYS:
            raise Retry(f"a token is good for 1 to {LONGEST_DAYS} days")
        secret, at = PREFIX + token_urlsafe(32), self._now()
        row = {
            "id": uuid4().hex,
            "name": name,
            "digest": digest(secret),
            "made_by": by,
            "created": stamp(at),
            "expires": stamp(at + timedelta(days=days)),
            "seen": None,
            "revoked": None,
        }
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(tables.service_tokens).values(row))
                data = {"name": name, "days": days}
                append(connection, Entry("token.added", by, "", data), at)
        except IntegrityError:
            raise Retry(f"there is a token {name!r} already") from None
        return secret

    def find(self, secret: str) -> Actor | None:
        """Who asks with this token: somebody who may read; None when it is no good (any more)."""
        c, at = tables.service_tokens.c, self._now()
        query = select(tables.service_tokens).where(c.digest == digest(secret))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.revoked is not None or at >= unstamp(row.expires):
            return None
        if row.seen is None or at - unstamp(row.seen) >= TOUCH_EVERY:
            touch = update(tables.service_tokens).where(c.id == row.id)
            with writing(self._engine) as connection:
                connection.execute(touch.values(seen=stamp(at)))
        return Actor(f"token:{row.name}", Role.OPERATOR)

    def list(self) -> list[ServiceToken]:
        """Every token by name, also those that are no good any more."""
        query = select(tables.service_tokens).order_by(tables.service_tokens.c.name)
        with reading(self._engine) as connection:
            return [_token(row) for row in connection.execute(query)]

    def revoke(self, name: str, *, by: str) -> None:
        """End a token at once; raises Retry when there is none of that name."""
        c, at = tables.service_tokens.c, self._now()
        with writing(self._engine) as connection:
            end = update(tables.service_tokens).where(c.name == name, c.revoked.is_(None))
            if not connection.execute(end.values(revoked=stamp(at))).rowcount:
                raise Retry(f"there is no token {name!r} to revoke")
            append(connection, Entry("token.revoked", by, "", {"name": name}), at)


def _token(row: Row[Any]) -> ServiceToken:
    return ServiceToken(
        id=row.id,
        name=row.name,
        made_by=row.made_by,
        created=unstamp(row.created),
        expires=unstamp(row.expires),
        seen=unstamp(row.seen) if row.seen else None,
        revoked=row.revoked is not None,
    )
