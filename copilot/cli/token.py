"""`copilot token`: service tokens, with which other programs read and ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilot.cli.user import Admin, Config, FromStdin, open_accounts, prove

if TYPE_CHECKING:
    from copilot.accounts.accounts import Accounts
    from copilot.accounts.service_tokens import ServiceToken, ServiceTokens

tokens = typer.Typer(
    help="Service tokens: other programs read and ask with one, none may propose or approve."
)

Name = Annotated[str, typer.Argument(help="Lower-case letters, digits, dots and dashes.")]


@tokens.command()
def add(
    name: Name,
    days: Annotated[int, typer.Option(help="How long it is good for, at most 366.")] = 90,
    admin: Admin = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Make a token and print it, this once."""
    with _tokens(config) as (accounts, service_tokens):
        secret = service_tokens.add(name, days, by=prove(accounts, admin, password_stdin))
    typer.echo(secret)
    typer.echo("Keep it now: it is not shown again. Programs send it as a bearer token.", err=True)


@tokens.command("list")
def show(config: Config = None) -> None:
    """List every token, also those that are no good any more."""
    from copilot.plant import utc_now

    with _tokens(config) as (_, service_tokens):
        for token in service_tokens.list():
            over = "revoked" if token.revoked else "expired" if token.expires <= utc_now() else ""
            typer.echo(_line(token, over))


@tokens.command()
def revoke(
    name: Name, admin: Admin = "", password_stdin: FromStdin = False, config: Config = None
) -> None:
    """End a token at once."""
    with _tokens(config) as (accounts, service_tokens):
        service_tokens.revoke(name, by=prove(accounts, admin, password_stdin))
    typer.echo(f"{name} is revoked.")


@contextmanager
def _tokens(config: Path | None) -> "Iterator[tuple[Accounts, ServiceTokens]]":
    from copilot.accounts.service_tokens import ServiceTokens
    from copilot.plant import utc_now

    with open_accounts(config) as (engine, accounts):
        yield accounts, ServiceTokens(engine, utc_now)


def _line(token: "ServiceToken", over: str) -> str:
    used = f"last used {token.seen:%Y-%m-%d %H:%M} UTC" if token.seen else "never used"
    parts = [f"{token.name:<20}", f"until {token.expires:%Y-%m-%d}", used, f"by {token.made_by}"]
    return " · ".join([*parts, over] if over else parts)
