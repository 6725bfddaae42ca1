"""The kill switch in the terminal; it needs neither policy nor plant, only an account."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.accounts.sign_in import SignIn
from copilot.actor import Actor
from copilot.approvals import switches
from copilot.approvals.decide import check_reason
from copilot.approvals.sitting import IN_CHARGE
from copilot.plant import utc_now
from copilot.settings import load_settings
from copilot_tools.errors import Denied
from copilot_tools.site.load import load_site


def stop(config: Path | None, account: str, password: str, reason: str) -> None:
    """Stop all changes; everybody who has an account may."""
    with _signed_in(config, account, password) as (engine, actor), db.writing(engine) as connection:
        switches.stop(connection, actor.name, check_reason(reason), utc_now())


def release(config: Path | None, account: str, password: str, reason: str) -> None:
    """Let changes go on; that takes somebody in charge."""
    with _signed_in(config, account, password) as (engine, actor):
        if actor.role not in IN_CHARGE:
            raise Denied("changes are released by a supervisor, an engineer or an administrator")
        with db.writing(engine) as connection:
            switches.release(connection, actor.name, check_reason(reason), utc_now())


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
