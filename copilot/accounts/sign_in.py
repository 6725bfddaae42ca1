"""Signing in: from a name and a password to an actor who may propose."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts
from copilot.actor import Actor
from copilot.audit.log import Entry, append
from copilot.db import writing


class SignIn:
    """Signs people in with the passwords of their accounts."""

    def __init__(self, engine: Engine, accounts: Accounts, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now

    def sign_in(self, name: str, password: str) -> Actor:
        """The authenticated actor; raises Denied when name or password is wrong. Blocks."""
        self._accounts.authenticate(name, password)
        at = self._now()
        with writing(self._engine) as connection:
            actor = self._accounts.load(connection, name, at)
            append(connection, Entry("account.signed_in", name, "", {}), at)
        return replace(actor, authenticated=True)
