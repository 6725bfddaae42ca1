"""`copilot user`: the accounts of the people who propose and approve changes."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilot.actor import Role
from copilot_tools.errors import Denied, Retry

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from copilot.accounts.accounts import Account, Accounts

users = typer.Typer(help="Accounts: who may sign in, with which role and where.")

Name = Annotated[str, typer.Argument(help="Lower-case letters, digits, dots and dashes.")]
Areas = Annotated[
    list[str] | None, typer.Option("--area", help='An area id, or "*" for all; may be repeated.')
]
Shifts = Annotated[
    list[str] | None, typer.Option("--shift", help="A shift; without one: always on shift.")
]
Admin = Annotated[str, typer.Option(help="The administrator who makes this change.")]
FromStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read passwords from standard input, one a line: the administrator's, then a new one.",
    ),
]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]


@users.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What this person does.")],
    area: Areas = None,
    shift: Shifts = None,
    person: Annotated[
        str, typer.Option(help="Who holds it, where one person has several accounts.")
    ] = "",
    admin: Admin = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Make an account; the first one is an administrator's."""
    with open_accounts(config) as (_, accounts):
        by = _first(accounts, role) or prove(accounts, admin, password_stdin)
        password = new_password(password_stdin)
        accounts.add(name, role, area or [], password, by=by, person=person, shifts=shift or [])
    typer.echo(f"{name} may sign in as {role}.")


@users.command("list")
def show(config: Config = None) -> None:
    """List every account."""
    with open_accounts(config) as (_, accounts):
        for account in accounts.list():
            typer.echo(_line(account))


@users.command()
def disable(
    name: Name, admin: Admin = "", password_stdin: FromStdin = False, config: Config = None
) -> None:
    """Close an account; its approvals no longer count."""
    with open_accounts(config) as (_, accounts):
        accounts.disable(name, by=prove(accounts, admin, password_stdin))
    typer.echo(f"{name} is disabled.")


@users.command()
def enable(
    name: Name, admin: Admin = "", password_stdin: FromStdin = False, config: Config = None
) -> None:
    """Open an account again."""
    with open_accounts(config) as (_, accounts):
        accounts.enable(name, by=prove(accounts, admin, password_stdin))
    typer.echo(f"{name} is enabled.")


@users.command()
def role(
    name: Name,
    role: Annotated[Role, typer.Argument(help="The new role.")],
    admin: Admin = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Give an account another role."""
    with open_accounts(config) as (_, accounts):
        by = prove(accounts, admin, password_stdin)
        accounts.change_role(name, role, by=by)
    typer.echo(f"{name} is {role} now.")


@users.command()
def areas(
    name: Name,
    area: Annotated[list[str] | None, typer.Argument(help='Area ids, or "*" for all.')] = None,
    admin: Admin = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Give an account other areas; none takes all of them away."""
    with open_accounts(config) as (_, accounts):
        by = prove(accounts, admin, password_stdin)
        accounts.change_areas(name, area or [], by=by)
    typer.echo(f"{name} has {', '.join(area) if area else 'no areas'} now.")


@users.command()
def shifts(
    name: Name,
    shift: Annotated[list[str] | None, typer.Argument(help="Names of shifts.")] = None,
    admin: Admin = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Give an account other shifts; none means always on shift."""
    with open_accounts(config) as (_, accounts):
        by = prove(accounts, admin, password_stdin)
        accounts.change_shifts(name, shift or [], by=by)
    typer.echo(f"{name} works {', '.join(shift) if shift else 'any shift'} now.")


@users.command()
def password(
    name: Name, admin: Admin = "", password_stdin: FromStdin = False, config: Config = None
) -> None:
    """Give an account a new password."""
    with open_accounts(config) as (_, accounts):
        by = prove(accounts, admin, password_stdin, mine=name == admin)
        accounts.set_password(name, new_password(password_stdin), by=by)
    typer.echo(f"{name} has a new password.")


def new_password(from_stdin: bool) -> str:
    """A password from standard input, or typed twice the same; raises Retry when it differs."""
    if from_stdin:
        return read_password(True)
    first = getpass.getpass("New password: ")
    if getpass.getpass("Again: ") != first:
        raise Retry("the two passwords differ; nothing was changed")
    return first


def read_password(from_stdin: bool, of: str = "") -> str:
    """A password from the next line of standard input, or typed unseen."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return getpass.getpass(f"Password of {of}: " if of else "Password: ")


def read_secret(from_stdin: bool, asked: str) -> str:
    """What is on the next line of standard input, or typed unseen."""
    return read_password(True) if from_stdin else getpass.getpass(asked)


@contextmanager
def open_accounts(config: Path | None) -> "Iterator[tuple[Engine, Accounts]]":
    """The own database of a site, up to date, and its accounts."""
    from copilot import db
    from copilot.accounts.accounts import Accounts
    from copilot.plant import utc_now
    from copilot.settings import load_settings
    from copilot_tools.site.load import load_site

    settings = load_settings(config)
    engine = db.open_database(settings.database.own)
    try:
        db.migrate(engine)
        yield engine, Accounts(engine, load_site(settings.plant), utc_now)
    finally:
        engine.dispose()


def prove(accounts: "Accounts", admin: str, from_stdin: bool, mine: bool = False) -> str:
    """The administrator who makes a change, by his password; raises Denied without one. A password
    that was for once changes nothing but itself (`mine`).
    """
    if not accounts.governed():
        raise Denied("there is no administrator yet; make one: copilot user add NAME --role admin")
    if not admin:
        raise Retry("say which administrator makes this change: --admin NAME")
    by = accounts.administrator(admin, read_password(from_stdin, admin))
    if accounts.password_is_due(by) and not mine:
        raise Denied(f"this password was for once; first: copilot user password {by} --admin {by}")
    return by


def _first(accounts: "Accounts", role: Role) -> str:
    """Who makes the first administrator: nobody can be asked, so the login is put on record."""
    return f"os:{getpass.getuser()}" if role is Role.ADMIN and not accounts.governed() else ""


def _line(account: "Account") -> str:
    parts = [
        f"{account.name:<20} {account.role:<11}",
        ", ".join(account.areas) or "no areas",
        ", ".join(account.shifts) or "any shift",
    ]
    if account.person != account.name:
        parts.append(f"held by {account.person}")
    if account.disabled:
        parts.append("disabled")
    return " · ".join(parts)
