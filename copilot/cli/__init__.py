"""The `copilot` command. Heavy imports wait inside the commands, so that --help is instant."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from copilot.cli.approvals import approvals
from copilot.cli.audit import audit
from copilot.cli.evaluate import evaluations
from copilot.cli.executor import executor
from copilot.cli.feedback import feedback
from copilot.cli.health import health
from copilot.cli.plant import plant_model
from copilot.cli.policy import site_policy
from copilot.cli.station import station
from copilot.cli.token import tokens
from copilot.cli.user import users
from copilot.cli.ways_in import ways_in

cli = typer.Typer(
    name="copilot",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
cli.add_typer(plant_model, name="plant")
cli.add_typer(approvals, name="approvals")
cli.add_typer(executor, name="executor")
cli.add_typer(site_policy, name="policy")
cli.add_typer(audit, name="audit")
users.add_typer(ways_in)
cli.add_typer(users, name="user")
cli.add_typer(tokens, name="token")
cli.add_typer(station, name="station")
cli.add_typer(evaluations, name="eval")
cli.add_typer(health, name="health")
cli.command()(feedback)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]
User = Annotated[
    str | None,
    typer.Option("--user", "-u", help="Sign in with this account.", show_default=False),
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Where the demo plant lives.", show_default="user data folder"),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("industrial-copilot"))
        raise typer.Exit


@cli.callback()
def about(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Ask the plant in your own words; answers are facts with unit, quality, time and source."""


@cli.command()
def demo(
    ask: Annotated[
        list[str] | None, typer.Option("--ask", help="Answer this question and exit.")
    ] = None,
    home: Home = None,
    seed: Annotated[int, typer.Option(help="Same seed, same plant.")] = 7,
    reset: Annotated[bool, typer.Option(help="Build the demo plant anew.")] = False,
    user: Annotated[
        str, typer.Option("--user", "-u", help="Whom to be: olga, timo, sara, samir, erik or ada.")
    ] = "olga",
    json: Json = False,
    pages_only: Annotated[
        bool, typer.Option("--serve", help="Only serve the pages, without the terminal chat.")
    ] = False,
    web: Annotated[bool, typer.Option(help="Serve the pages beside the terminal chat.")] = True,
    port: Annotated[int, typer.Option(help="Port of the pages; a free one where taken.")] = 8180,
) -> None:
    """Start the demo plant with its pages and chat with it, or answer one question with --ask."""
    from copilot.cli.demo import Wish, run_demo

    wish = Wish(ask or [], user, json, pages_only, port if web else None)
    raise typer.Exit(run_demo(wish, home, seed, reset))


@cli.command()
def serve(
    config: Config = None,
    host: Annotated[
        str | None, typer.Option(help="Where to listen instead of [web] host.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Where to listen instead of [web] port.", show_default=False),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen for others even without TLS.")
    ] = False,
) -> None:
    """Serve the pages for people and the interfaces for programs, until told to stop."""
    from copilot.cli.serve import run_serve

    raise typer.Exit(run_serve(config, host, port, insecure))


@cli.command()
def certificate(
    host: Annotated[
        list[str], typer.Option("--host", help="A name or address people call it by; repeatable.")
    ],
    folder: Annotated[Path, typer.Option(help="Where the files are put.")] = Path("certificates"),
) -> None:
    """Make a certificate for `copilot serve`, signed by an authority of your own."""
    from copilot.cli.certificate import run_certificate

    raise typer.Exit(run_certificate(host, folder))


@cli.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="Where the backup is put, as one file.")],
    config: Config = None,
) -> None:
    """Back up the copilot's own database, models, plant model and policy, while it runs."""
    from copilot.cli.backup import run_backup

    raise typer.Exit(run_backup(folder, config))


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `copilot backup` made.")],
    config: Config = None,
    replace: Annotated[bool, typer.Option("--replace", help="Move what is there aside.")] = False,
) -> None:
    """Put a backup back; the executor then waits until a person has looked."""
    from copilot.cli.backup import run_restore

    raise typer.Exit(run_restore(file, config, replace))


@cli.command()
def chat(
    config: Config = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where you left off.")] = False,
    user: User = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Chat with the plant in the terminal; with --user you may also propose changes."""
    from copilot.app import bootstrap
    from copilot.cli.chat import Session, identify, run_chat
    from copilot.settings import load_settings

    settings = load_settings(config)
    actor = identify(settings, user, password_stdin)
    raise typer.Exit(run_chat(Session(bootstrap(settings), actor, config), [], resume=resume))


@cli.command()
def ask(
    question: Annotated[list[str], typer.Argument(help="One or more questions, each quoted.")],
    config: Config = None,
    user: User = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Answer questions and exit; several are one conversation."""
    from copilot.app import bootstrap
    from copilot.cli.chat import Session, identify, run_questions
    from copilot.settings import load_settings

    settings = load_settings(config)
    actor = identify(settings, user, password_stdin)
    raise typer.Exit(run_questions(Session(bootstrap(settings), actor, config), question, json))


@cli.command()
def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Manuals, or folders of them.", metavar="[PATH]...")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="Take a manual away, by id or file name.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the manuals there are.")] = False,
    config: Config = None,
) -> None:
    """Take manuals in (PDF, Word, HTML, Markdown, lists of fault codes), replace or remove them."""
    from copilot.cli.ingest import run_ingest

    raise typer.Exit(run_ingest(paths or [], config, remove or [], listing))


@cli.command()
def doctor(config: Config = None, json: Json = False) -> None:
    """Check models, OPC UA, databases, history, manuals, disk, versions; say how to mend each."""
    from copilot.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(config, json))


def main() -> None:
    """Run the command line; every error is one clear line on standard error and exit code 2."""
    try:
        cli()
    except Exception as error:
        if os.environ.get("COPILOT_DEBUG"):
            raise
        from copilot_tools.display import printable

        ours = type(error).__module__.startswith("copilot")
        hint = "" if ours else f" ({type(error).__name__}; COPILOT_DEBUG=1 shows where)"
        print(f"copilot: {printable(str(error))}{hint}", file=sys.stderr)
        sys.exit(2)
