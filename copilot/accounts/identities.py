"""Identities: which subject of the site's identity provider is which account.

Only an administrator links one: who merely has an account at the provider gets in nowhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from copilot import tables
from copilot.accounts.accounts import Accounts
from copilot.audit.log import Entry, append
from copilot.db import reading, stamp, unstamp, writing
from copilot_tools.errors import Denied, Retry

LONGEST = 200  # characters of an issuer or a subject


@dataclass(frozen=True, slots=True)
class Identity:
    """A subject of an issuer, and the account that it is; time in UTC."""

    issuer: str
    subject: str
    account: str
    created: datetime


class Identities:
    """The linked identities in the own database."""

    def __init__(self, engine: Engine, accounts: Accounts, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now

    def link(self, issuer: str, subject: str, account: str, *, by: str) -> None:
        """Let a subject of an issuer sign in as an account; raises Retry when it does so already,
        or when there is no such account.
        """
        for text in (issuer, subject):
            if not 1 <= len(text) <= LONGEST or not text.isprintable():
                raise Retry(f"an issuer and a subject have 1 to {LONGEST} printable characters")
        at = self._now()
        named = {"issuer": issuer, "subject": subject, "account": account}
        try:
            with writing(self._engine) as connection:
                if not self._accounts.known(connection, account):
                    raise Retry(f"there is no account {account!r}")
                connection.execute(insert(tables.identities).values(**named, created=stamp(at)))
                append(connection, Entry("identity.linked", by, "", named), at)
        except IntegrityError:
            raise Retry(f"{subject!r} of {issuer} is linked already; unlink it first") from None

    def unlink(self, issuer: str, subject: str, *, by: str) -> None:
        """Let it sign in no more; raises Retry when it could not anyway."""
        c, at = tables.identities.c, self._now()
        named = {"issuer": issuer, "subject": subject}
        with writing(self._engine) as connection:
            gone = delete(tables.identities).where(c.issuer == issuer, c.subject == subject)
            if not connection.execute(gone).rowcount:
                raise Retry(f"{subject!r} of {issuer} is not linked")
            append(connection, Entry("identity.unlinked", by, "", named), at)

    def find(self, issuer: str, subject: str) -> str | None:
        """The account that a subject may sign in as; None when no administrator linked it."""
        c = tables.identities.c
        query = select(c.account).where(c.issuer == issuer, c.subject == subject)
        with reading(self._engine) as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def enter(self, issuer: str, subject: str) -> str:
        """The account of a subject whom the provider has vouched for, on record; raises Denied
        when it is linked to none, or to one that is closed.
        """
        name, at = self.find(issuer, subject), self._now()
        named = {"issuer": issuer[:LONGEST], "subject": subject[:LONGEST]}
        with writing(self._engine) as connection:
            if name is not None and self._accounts.may_enter(connection, name):
                append(connection, Entry("identity.entered", name, "", named), at)
                return name
            append(connection, Entry("identity.refused", name or "system", "", named), at)
        raise Denied(
            f"an administrator has to link {subject!r} to an account first"
            if name is None
            else f"the account {name!r} is disabled, or its password has to be changed first"
        )

    def list(self) -> list[Identity]:
        """Every linked identity by account."""
        c = tables.identities.c
        query = select(tables.identities).order_by(c.account, c.issuer, c.subject)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [Identity(r.issuer, r.subject, r.account, unstamp(r.created)) for r in rows]
