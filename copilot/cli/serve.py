"""`copilot serve`: the pages and interfaces of a site, on its own settings."""

import asyncio
from pathlib import Path
from socket import socket

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.accounts.first_admin import ensure_administrator
from copilot.app import Copilot, bootstrap
from copilot.settings import Settings, load_settings
from copilot.web.serve import check_listening, listen, serve, with_own_name
from copilot.web.watch.logs import configure_logs


def run_serve(config: Path | None, host: str | None, port: int | None, insecure: bool) -> int:
    """Serve until told to stop; exit code 0. The first start prints the administrator's password.

    Raises Failed or Unavailable, in one line, where it cannot listen.
    """
    configure_logs()
    settings = with_own_name(_listening_at(load_settings(config), host, port))
    check_listening(settings.web, insecure)
    copilot = bootstrap(settings)
    with listen(settings.web) as listening:
        db.migrate(copilot.database)
        _tell_first_administrator(copilot)
        asyncio.run(_serve(settings, copilot, listening))
    return 0


async def _serve(settings: Settings, copilot: Copilot, listening: socket) -> None:
    try:
        await serve(settings, copilot, listening)
    finally:
        await copilot.close()


def _listening_at(settings: Settings, host: str | None, port: int | None) -> Settings:
    """The settings, with what the command line says instead of the file."""
    given = {"host": host, "port": port}
    said = {name: value for name, value in given.items() if value is not None}
    return settings.model_copy(update={"web": settings.web.model_copy(update=said)})


def _tell_first_administrator(copilot: Copilot) -> None:
    desk = copilot.desk
    accounts = (
        desk.accounts if desk else Accounts(copilot.database, copilot.plant.site, copilot.plant.now)
    )
    made = ensure_administrator(accounts)
    if made is None:
        return
    name, password = made
    print(f"The first administrator is {name}, with the one-time password {password}")
    print("It is shown only here, and has to be changed at the first sign-in.", flush=True)
