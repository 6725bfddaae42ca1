"""Step-up: a password given again for one decision about one payload, used once and soon."""

from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_urlsafe

from sqlalchemy import Connection, Engine, insert, select, update

from copilot import tables
from copilot.accounts.accounts import Accounts
from copilot.audit.log import Entry, append
from copilot.db import stamp, unstamp, writing
from copilot_tools.errors import Denied


class StepUps:
    """Nonces that prove a fresh password; each is good for `valid_s` seconds."""

    def __init__(
        self, engine: Engine, accounts: Accounts, now: Callable[[], datetime], valid_s: float
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now
        self._valid = timedelta(seconds=valid_s)

    def issue(self, name: str, password: str, payload_hash: str) -> str:
        """A nonce for deciding about this payload; raises Denied when the password is wrong."""
        self._accounts.authenticate(name, password)
        nonce, at = token_urlsafe(32), self._now()
        row = {
            "nonce": nonce,
            "account": name,
            "payload_hash": payload_hash,
            "issued": stamp(at),
            "used": None,
        }
        with writing(self._engine) as connection:
            connection.execute(insert(tables.step_ups).values(row))
            append(connection, Entry("step_up.issued", name, "", {"payload": payload_hash}), at)
        return nonce

    def consume(
        self, connection: Connection, nonce: str, name: str, payload_hash: str, at: datetime
    ) -> None:
        """Use a nonce up within the decision's own transaction; raises Denied when it is no good.

        A refusal rolls that transaction back, so it is for the caller to put it on record.
        """
        c = tables.step_ups.c
        row = connection.execute(select(tables.step_ups).where(c.nonce == nonce)).one_or_none()
        if row is None or row.account != name:
            raise Denied("this needs your password again")
        if row.payload_hash != payload_hash:
            raise Denied("the password was given for another proposal, or for an older form of it")
        age = at - unstamp(row.issued)
        if not timedelta(seconds=-1) <= age <= self._valid:
            raise Denied("the password was given too long ago; give it again")
        use = update(tables.step_ups).where(c.nonce == nonce, c.used.is_(None))
        if connection.execute(use.values(used=stamp(at))).rowcount != 1:
            raise Denied("this password entry was used before; give it again")
        append(connection, Entry("step_up.used", name, "", {"payload": payload_hash}), at)
