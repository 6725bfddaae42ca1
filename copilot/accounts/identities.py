"""Identities: which subject of the site's identity provider is which account."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts


class Identities:
    """The linked identities in the own database."""

    def __init__(self, engine: Engine, accounts: Accounts, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now
