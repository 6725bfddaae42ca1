"""`copilot approvals`: look at proposals and decide about them, each decision with a password."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilot.cli.typed import check_text

if TYPE_CHECKING:
    from copilot.cli.approval_counter import TerminalCounter

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
        account, why = _account(user), _why(reason, password_stdin)
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
        account, why = _account(user), _why(reason, password_stdin)
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
        account, why = _account(user), _why(reason, password_stdin)
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
        account, why = _account(user), _why(reason, password_stdin)
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
        account, seen = _account(user), _why(evidence, password_stdin, "How was that seen")
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
        counter.reset_breaker(check_text(name), account, _password(account, password_stdin))
    typer.echo(f"{name} may propose again.")


@approvals.command()
def stop(
    user: User = "",
    reason: Reason = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Turn the kill switch on: nothing more is proposed, approved things are not carried out."""
    from copilot.cli import kill_switch

    with _refusals():
        account, why = _account(user), _why(reason, password_stdin)
        kill_switch.stop(config, account, _password(account, password_stdin), why)
    typer.echo("Changes are stopped; copilot approvals release lets them go on.")


@approvals.command()
def release(
    user: User = "",
    reason: Reason = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Turn the kill switch off again."""
    from copilot.cli import kill_switch

    with _refusals():
        account, why = _account(user), _why(reason, password_stdin)
        kill_switch.release(config, account, _password(account, password_stdin), why)
    typer.echo("Changes are possible again.")


@contextmanager
def _counter(config: Path | None) -> Iterator["TerminalCounter"]:
    """The desk of the configured site."""
    from copilot.cli.approval_counter import open_counter
    from copilot.settings import load_settings

    counter = open_counter(load_settings(config))
    try:
        with _refusals():
            yield counter
    finally:
        counter.close()


@contextmanager
def _refusals() -> Iterator[None]:
    """What the desk refuses is one line and exit code 1."""
    from copilot_tools.display import printable
    from copilot_tools.errors import Denied, Failed, Retry

    try:
        yield
    except (Denied, Failed, Retry) as error:
        typer.echo(f"copilot: {printable(str(error))}", err=True)
        raise typer.Exit(1) from None


def _account(user: str) -> str:
    return check_text(user or getpass.getuser())


def _why(given: str, from_stdin: bool, question: str = "Reason") -> str:
    """The reason as an option, or asked for; standard input holds the password and nothing else."""
    if not given and from_stdin:
        raise typer.BadParameter("--password-stdin needs the reason as an option, too")
    return check_text(given or str(typer.prompt(question)))


def _password(account: str, from_stdin: bool) -> str:
    if from_stdin:
        return check_text(sys.stdin.readline().rstrip("\r\n"))
    return check_text(getpass.getpass(f"Password of {account}: "))
