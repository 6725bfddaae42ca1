"""`copilot executor`: the process that carries approved changes out, and its kill switch."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import asyncio

    from sqlalchemy import Engine

    from copilot.executor.lease import Lease
    from copilot.executor.settings import ExecutorSettings

executor = typer.Typer(help="Carry approved changes out, in a process of its own.")

Config = Annotated[Path, typer.Option("--config", "-c", help="The executor's own settings.")]
LONGEST_NAME = 80


def _check_name(name: str) -> str:
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise typer.BadParameter(f"a name of 1 to {LONGEST_NAME} characters is needed")
    return name.strip()


By = Annotated[
    str,
    typer.Option(
        "--by",
        help="Who decides this; the audit log has it next to the login it was typed under.",
        callback=_check_name,
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]

FILE = Path("executor.toml")


@executor.command()
def run(
    config: Config = FILE,
    attached: Annotated[
        bool, typer.Option("--attached", help="End when standard input closes.")
    ] = False,
) -> None:
    """Carry out what is ready until told to stop; a change in flight is finished first."""
    import asyncio
    import logging

    from copilot.executor.process import run as work
    from copilot.executor.settings import load_executor_settings
    from copilot.parent import end_with_parent

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # Alembic would tell of every start that there is nothing to upgrade.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = load_executor_settings(config)
    if attached:
        end_with_parent()

    async def until_told() -> None:
        stop = asyncio.Event()
        _on_signal(stop)
        await work(settings, stop)

    asyncio.run(until_told())


@executor.command()
def status(config: Config = FILE) -> None:
    """Say who holds the lease, whether changes are stopped, and what is open."""
    from copilot.approvals import store
    from copilot.approvals.states import OPEN
    from copilot.approvals.switches import stopped
    from copilot.db import reading
    from copilot.executor import lease
    from copilot.executor.watermark import Restored, Watermark

    with _database(config) as (engine, settings), reading(engine) as connection:
        held, switch = lease.read(connection), stopped(connection)
        records = store.find(connection, OPEN)
        try:
            Watermark(settings.state).check(connection)
            known = "the one the executor knows"
        except Restored as error:
            known = str(error)
    now = _now()
    typer.echo(f"lease     {_describe(held, now) if held else 'no executor has ever run'}")
    typer.echo(f"switch    {f'STOPPED by {switch.by}: {switch.reason}' if switch else 'released'}")
    typer.echo(f"database  {known}")
    for record in records:
        typer.echo(f"#{record.number} {record.state}: {record.proposal.change.says}")


@executor.command()
def stop(by: By, reason: Reason, config: Config = FILE) -> None:
    """Turn the kill switch on: nothing is proposed and nothing more is sent."""
    from copilot.approvals import switches
    from copilot.db import writing

    with _database(config) as (engine, _), writing(engine) as connection:
        switches.stop(connection, by, reason, _now(), login())
    typer.echo("Changes are stopped.")


@executor.command()
def release(by: By, reason: Reason, config: Config = FILE) -> None:
    """Turn the kill switch off again."""
    from copilot.approvals import switches
    from copilot.db import writing

    with _database(config) as (engine, _), writing(engine) as connection:
        switches.release(connection, by, reason, _now(), login())
    typer.echo("Changes are possible again.")


@executor.command("accept-restore")
def accept_restore(by: By, reason: Reason, config: Config = FILE) -> None:
    """After a restore from a backup: end every open proposal, then let the executor work again."""
    from copilot.executor import restore
    from copilot.executor.watermark import Watermark

    with _database(config) as (engine, settings):
        watermark = Watermark(settings.state)
        ended = restore.accept_restore(engine, watermark, login(), by, reason, _now())
    for record in ended:
        typer.echo(f"#{record.number} {record.state}: {record.proposal.change.says}")
    typer.echo(f"{len(ended)} proposals ended; the executor goes on from here.")


def _on_signal(stop: "asyncio.Event") -> None:
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows has no such handlers in its loops
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


@contextmanager
def _database(config: Path) -> "Iterator[tuple[Engine, ExecutorSettings]]":
    from copilot.db import open_database
    from copilot.executor.settings import load_executor_settings

    settings = load_executor_settings(config)
    engine = open_database(settings.database.own)
    try:
        yield engine, settings
    finally:
        engine.dispose()


def _describe(held: "Lease", now: datetime) -> str:
    until = f"until {held.expires:%Y-%m-%d %H:%M:%S} UTC"
    ended = "" if now < held.expires else " (ended)"
    return f"{held.holder}, token {held.token}, {until}{ended}"


def _now() -> datetime:
    from copilot.executor.clock import utc_now

    return utc_now()


def login() -> str:
    """Who is logged in to this machine, by the user id: variables could name anybody."""
    import getpass
    import os

    try:
        import pwd
    except ImportError:  # Windows
        return f"os:{getpass.getuser()}"
    try:
        return f"os:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a container that runs as a number
        return f"os:{os.getuid()}"
