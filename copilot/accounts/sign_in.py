"""Signing in: from a name and a password to an actor who may propose."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts
from copilot.actor import Actor
from copilot.audit.log import Entry, append
from copilot.db import writing
from copilot_tools.errors import Denied


class PasswordIsDue(Denied):
    """The password is right, but has to be changed before it opens anything else."""


class SignIn:
    """Signs people in with the passwords of their accounts."""

    def __init__(self, engine: Engine, accounts: Accounts, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now

    def sign_in(self, name: str, password: str, address: str = "") -> Actor:
        """The authenticated actor; raises Denied when name or password is wrong, PasswordIsDue
        when the password was for once. Blocks.
        """
        self._accounts.authenticate(name, password, address)
        if self._accounts.password_is_due(name):
            raise PasswordIsDue(
                "this password was for once: sign in to the pages and choose another one, "
                f"or use `copilot user password {name}`"
            )
        at = self._now()
        with writing(self._engine) as connection:
            actor = self._accounts.load(connection, name, at)
            append(connection, Entry("account.signed_in", name, "", {}), at)
        return replace(actor, authenticated=True)
