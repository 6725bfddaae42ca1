"""`copilot approvals`: look at proposals and decide about them, each decision with a password."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from copilot.cli.approval_counter import Counter

approvals = typer.Typer(
    help="Proposals: list, show, approve, confirm, reject, undo.", no_args_is_help=True
)

Number = Annotated[int, typer.Argument(help="The proposal's number.", min=1)]
User = Annotated[str, typer.Option("--user", "-u", help="Your account.", show_default="yours here")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; asked for when left out.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]


@approvals.command("list")
def list_proposals(
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """List the open proposals, oldest first."""
    with _counter(config) as counter:
        counter.print_list(every, json)


@approvals.command()
def show(number: Number, json: Json = False, config: Config = None) -> None:
    """Show a proposal: the facts first, then the words it was asked with."""
    with _counter(config) as counter:
        counter.print_card(number, json)


@approvals.command()
def approve(
    number: Number,
    user: User = "",
    reason: Reason = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Approve what somebody else proposed, after it has been shown."""
    with _counter(config) as counter:
        shown = counter.print_card(number)
        account, why = _account(user), reason or _ask("Reason")
        record = counter.approve(shown, account, _password(account, password_stdin), why)
        counter.print_outcome(record)


@approvals.command()
def confirm(
    number: Number,
    user: User = "",
    reason: Reason = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Confirm your own proposal, where nobody else has to agree."""
    with _counter(config) as counter:
        shown = counter.print_card(number)
        account, why = _account(user), reason or _ask("Reason")
        record = counter.confirm(shown, account, _password(account, password_stdin), why)
        counter.print_outcome(record)


@approvals.command()
def reject(
    number: Number,
    user: User = "",
    reason: Reason = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Reject a proposal; one person is enough."""
    with _counter(config) as counter:
        account, why = _account(user), reason or _ask("Reason")
        record = counter.reject(number, account, _password(account, password_stdin), why)
        counter.print_outcome(record)


@approvals.command()
def withdraw(
    number: Number,
    user: User = "",
    reason: Reason = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Withdraw your own proposal."""
    with _counter(config) as counter:
        account, why = _account(user), reason or _ask("Reason")
        record = counter.withdraw(number, account, _password(account, password_stdin), why)
        counter.print_outcome(record)


@approvals.command()
def undo(
    number: Number, user: User = "", password_stdin: FromStdin = False, config: Config = None
) -> None:
    """Propose to set the value that was there before; it needs approvals of its own."""
    with _counter(config) as counter:
        account = _account(user)
        record = counter.undo(number, account, _password(account, password_stdin))
        counter.print_outcome(record)
        counter.print_card(record.number)


@approvals.command()
def resolve(
    number: Number,
    applied: Annotated[
        bool, typer.Option("--applied/--not-applied", help="Whether it took effect.")
    ],
    evidence: Annotated[str, typer.Option(help="How that was seen; asked for.")] = "",
    user: User = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Say whether a change whose result is unknown took effect, after somebody has looked."""
    with _counter(config) as counter:
        counter.print_card(number)
        account, seen = _account(user), evidence or _ask("How was that seen")
        password = _password(account, password_stdin)
        counter.print_outcome(counter.resolve(number, account, password, applied, seen))


@approvals.command("reset-breaker")
def reset_breaker(
    name: Annotated[str, typer.Argument(help="The account that was refused too often.")],
    user: User = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Let somebody propose again after too many refusals."""
    with _counter(config) as counter:
        account = _account(user)
        counter.reset_breaker(name, account, _password(account, password_stdin))
    typer.echo(f"{name} may propose again.")


@approvals.command()
def stop(
    user: User = "",
    reason: Reason = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Turn the kill switch on: nothing more is proposed, approved things are not carried out."""
    with _counter(config) as counter:
        account, why = _account(user), reason or _ask("Reason")
        counter.stop(account, _password(account, password_stdin), why)
    typer.echo("Changes are stopped; copilot approvals release lets them go on.")


@approvals.command()
def release(
    user: User = "",
    reason: Reason = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Turn the kill switch off again."""
    with _counter(config) as counter:
        account, why = _account(user), reason or _ask("Reason")
        counter.release(account, _password(account, password_stdin), why)
    typer.echo("Changes are possible again.")


@contextmanager
def _counter(config: Path | None) -> Iterator["Counter"]:
    """The desk of the configured site; what it refuses is one line and exit code 1."""
    from copilot.cli.approval_counter import open_counter
    from copilot.settings import load_settings
    from copilot_tools.errors import Denied, Failed, Retry

    counter = open_counter(load_settings(config))
    try:
        yield counter
    except (Denied, Failed, Retry) as error:
        typer.echo(f"copilot: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        counter.close()


def _account(user: str) -> str:
    return user or getpass.getuser()


def _ask(what: str) -> str:
    return str(typer.prompt(what))


def _password(account: str, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return getpass.getpass(f"Password of {account}: ")
