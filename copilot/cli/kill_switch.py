"""The kill switch in the terminal; it needs neither policy nor plant, only an account."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.accounts.sign_in import SignIn
from copilot.actor import Actor
from copilot.approvals.kill_switch import release_changes, stop_changes
from copilot.plant import utc_now
from copilot.settings import load_settings
from copilot_tools.site.load import load_site


def stop(config: Path | None, account: str, password: str, reason: str) -> None:
    """Stop all changes; everybody who has an account may."""
    with _signed_in(config, account, password) as (engine, actor):
        stop_changes(engine, actor, reason, utc_now())


def release(config: Path | None, account: str, password: str, reason: str) -> None:
    """Let changes go on; that takes somebody in charge."""
    with _signed_in(config, account, password) as (engine, actor):
        release_changes(engine, actor, reason, utc_now())


@contextmanager
def _signed_in(config: Path | None, account: str, password: str) -> Iterator[tuple[Engine, Actor]]:
    settings = load_settings(config)
    engine = db.open_database(settings.database.own)
    try:
        db.migrate(engine)
        accounts = Accounts(engine, load_site(settings.plant), utc_now)
        yield engine, SignIn(engine, accounts, utc_now).sign_in(account, password)
    finally:
        engine.dispose()
