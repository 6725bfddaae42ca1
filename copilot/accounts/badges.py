"""Badges with a PIN: they open reading and asking at a kiosk, never a decision."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts


class Badges:
    """The badges in the own database."""

    def __init__(self, engine: Engine, accounts: Accounts, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._accounts = accounts
        self._now = now
