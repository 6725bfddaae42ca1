"""`copilot audit`: show, check and export the record of what was proposed, decided and done."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from copilot.settings import Settings

audit = typer.Typer(help="Show, check and export the audit log.", no_args_is_help=True)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]
Key = Annotated[
    Path | None, typer.Option("--key", help="Public key.", show_default="the configured one")
]
Files = Annotated[
    list[Path] | None,
    typer.Option("--checkpoints", help="A file or syslog that checkpoints were pushed to."),
]
Number = Annotated[int | None, typer.Option("--proposal", help="Only this proposal.", min=1)]


@audit.command()
def verify(checkpoints: Files = None, key: Key = None, config: Config = None) -> None:
    """Check every row, link and signature; exit code 1 names the first rows that are damaged.

    Nothing signed at all is exit code 1 too: whoever owns the database can have made such a log.
    """
    from copilot.audit.verify import span, verify_database
    from copilot_tools.display import printable
    from copilot_tools.site.load import load_site

    with _database(config) as (settings, engine):
        witnesses = checkpoints or list(settings.audit.checkpoints)
        site = load_site(settings.plant).id
        verdict = verify_database(engine, _public_key(settings, key), witnesses, site)
    if not verdict.ok:
        typer.echo(f"DAMAGED: {printable(verdict.problem)}")
        raise typer.Exit(1)
    if verdict.signed:
        typer.echo(f"ok: rows 1 to {verdict.signed}, as they were signed, site {site}")
    rest = verdict.rows - verdict.signed
    if rest or not verdict.signed:
        typer.echo(f"NOT SIGNED: {span(verdict.signed + 1, verdict.rows) if rest else 'no rows'}")
    raise typer.Exit(0 if verdict.signed else 1)


@audit.command()
def show(
    proposal: Number = None,
    last: Annotated[int, typer.Option(help="How many rows, the newest.", min=1)] = 50,
    config: Config = None,
) -> None:
    """Print rows in the plant's time, oldest first."""
    from copilot.audit.show import newest_rows, write_row
    from copilot.db import reading
    from copilot_tools.site.load import load_site

    with _database(config) as (settings, engine):
        zone = load_site(settings.plant).time_zone
        with reading(engine) as connection:
            rows = newest_rows(connection, last, proposal)
    for row in rows:
        typer.echo(write_row(row, zone))


@audit.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The ZIP to write.")],
    proposal: Number = None,
    checkpoints: Files = None,
    key: Key = None,
    config: Config = None,
) -> None:
    """Write an evidence pack that anybody can check offline with the script in it."""
    from copilot.audit.checkpoints import read_file
    from copilot.audit.export import VERIFIER, Evidence
    from copilot.audit.export import export as write_pack
    from copilot.plant import utc_now
    from copilot.policy.policy import shipped
    from copilot_tools.site.load import load_site

    with _database(config) as (settings, engine):
        files = checkpoints or list(settings.audit.checkpoints)
        policy = settings.changes.policy
        rules = policy.read_text(encoding="utf-8") if policy else shipped("default.cedar")
        evidence = Evidence(
            public_key=_public_key(settings, key),
            at=utc_now(),
            site=load_site(settings.plant).id,
            witnesses=tuple(checkpoint for path in files for checkpoint in read_file(path)),
            policies=(rules, shipped("schema.cedarschema")),
            proposal=proposal,
        )
        rows = write_pack(engine, evidence, output)
    typer.echo(f"{output}: {rows} rows. Check it: unzip it, then python {VERIFIER} {output.name}")


@audit.command()
def accept_clock(
    by: Annotated[str, typer.Option("--by", help="Your account.")],
    reason: Annotated[str, typer.Option("--reason", help="Why the log was ahead of the time.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    config: Config = None,
) -> None:
    """Let the log go on after the clock was set back; the step is put on record."""
    from copilot.accounts.accounts import Accounts
    from copilot.actor import Role
    from copilot.audit.log import accept_clock as accept
    from copilot.cli.typed import check_text
    from copilot.cli.user import read_password
    from copilot.db import writing
    from copilot.plant import utc_now
    from copilot_tools.errors import Denied
    from copilot_tools.site.load import load_site

    with _database(config) as (settings, engine):
        accounts = Accounts(engine, load_site(settings.plant), utc_now)
        accounts.authenticate(check_text(by), read_password(password_stdin))
        with writing(engine) as connection:
            now = utc_now()
            if accounts.load(connection, by, now).role not in (Role.SUPERVISOR, Role.ADMIN):
                raise Denied("only a supervisor or an administrator may accept the clock")
            row = accept(connection, by, check_text(reason), now)
    typer.echo(f"row {row}: the log goes on at the present time")


@contextmanager
def _database(config: Path | None) -> "Iterator[tuple[Settings, Engine]]":
    from copilot import db
    from copilot.settings import load_settings

    settings = load_settings(config)
    engine = db.open_database(settings.database.own)
    try:
        yield settings, engine
    finally:
        engine.dispose()


def _public_key(settings: "Settings", given: Path | None) -> str:
    from copilot_tools.errors import Failed

    path = given or settings.audit.public_key
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise Failed(
            f"there is no public key {path}; the executor writes it beside its own key: "
            "copy it, then name it with --key or as public_key in [audit]"
        ) from None
