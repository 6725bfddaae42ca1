"""Step-up: a password given again for one decision about one payload, used once and soon.

The nonce itself is only ever with the person: the database holds its digest.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Literal

from sqlalchemy import Connection, Engine, insert, select, update

from copilot import tables
from copilot.accounts.accounts import Accounts
from copilot.audit.log import Entry, append
from copilot.canonical import digest
from copilot.db import stamp, unstamp, writing
from copilot_tools.errors import Denied

Meaning = Literal["approve", "confirm", "reject", "resolve_applied", "resolve_not_applied", "reset"]


class StepUps:
    """Nonces that prove a fresh password; each is good for `valid_s` seconds."""

    def __init__(
        self, engine: Engine, accounts: Accounts, now: Callable[[], datetime], valid_s: float
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now
        self._valid = timedelta(seconds=valid_s)

    def issue(self, name: str, password: str, payload_hash: str, meaning: Meaning) -> str:
        """A nonce for saying `meaning` about this payload; raises Denied for a wrong password."""
        self._accounts.authenticate(name, password)
        nonce, at = token_urlsafe(32), self._now()
        row = {
            "nonce": digest(nonce),
            "account": name,
            "payload_hash": bind(payload_hash, meaning),
            "issued": stamp(at),
            "used": None,
        }
        data = {"payload": payload_hash, "meaning": meaning}
        with writing(self._engine) as connection:
            connection.execute(insert(tables.step_ups).values(row))
            append(connection, Entry("step_up.issued", name, "", data), at)
        return nonce

    def consume(
        self,
        connection: Connection,
        nonce: str,
        name: str,
        payload_hash: str,
        meaning: Meaning,
        at: datetime,
    ) -> None:
        """Use a nonce up within the decision's own transaction; raises Denied when it is no good.

        A refusal rolls that transaction back: the caller puts it on record and calls `spend`.
        """
        c = tables.step_ups.c
        known = select(tables.step_ups).where(c.nonce == digest(nonce))
        row = connection.execute(known).one_or_none()
        if row is None or row.account != name:
            raise Denied("this needs your password again")
        if row.payload_hash != bind(payload_hash, meaning):
            raise Denied(
                "the password was given for another decision, or for another form of this proposal"
            )
        age = at - unstamp(row.issued)
        if not timedelta(seconds=-1) <= age <= self._valid:
            raise Denied("the password was given too long ago; give it again")
        if not _use(connection, nonce, at):
            raise Denied("this password entry was used before; give it again")
        data = {"payload": payload_hash, "meaning": meaning}
        append(connection, Entry("step_up.used", name, "", data), at)

    def spend(self, connection: Connection, nonce: str, at: datetime) -> None:
        """Use up a nonce that somebody was refused with, whoever's it is; a second try needs
        the password again.
        """
        if not _use(connection, nonce, at):
            return
        c = tables.step_ups.c
        account = connection.execute(select(c.account).where(c.nonce == digest(nonce))).scalar_one()
        append(connection, Entry("step_up.refused", account, "", {}), at)


def bind(payload_hash: str, meaning: Meaning) -> str:
    """What a step-up is stored as being for: one meaning and one payload."""
    return digest(f"{meaning} {payload_hash}")


def _use(connection: Connection, nonce: str, at: datetime) -> bool:
    c = tables.step_ups.c
    use = update(tables.step_ups).where(c.nonce == digest(nonce), c.used.is_(None))
    return connection.execute(use.values(used=stamp(at))).rowcount == 1
