"""`copilot user pin` and `copilot user identity`: other ways in than a password."""

from typing import Annotated

import typer

from copilot.cli.user import (
    Admin,
    Config,
    FromStdin,
    Name,
    open_accounts,
    prove,
    read_secret,
)
from copilot_tools.errors import Retry

ways_in = typer.Typer()


@ways_in.command()
def pin(
    name: Name,
    remove: Annotated[bool, typer.Option("--remove", help="Take the badge away.")] = False,
    admin: Admin = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Give an account a badge and its PIN for terminals on the floor."""
    from copilot.accounts.badges import Badges
    from copilot.plant import utc_now

    with open_accounts(config) as (engine, accounts):
        badges = Badges(engine, accounts, utc_now)
        by = prove(accounts, admin, password_stdin)
        if remove:
            badges.remove(name, by=by)
        else:
            badge = read_secret(password_stdin, "Badge (hold it to the reader): ")
            digits = read_secret(password_stdin, "New PIN: ")
            if not password_stdin and read_secret(False, "Again: ") != digits:
                raise Retry("the two PINs differ; nothing was changed")
            badges.set(name, badge, digits, by=by)
    typer.echo(f"{name} has {'no badge' if remove else 'a new badge'} now.")


@ways_in.command()
def identity(
    name: Name,
    subject: Annotated[str, typer.Argument(help="Who they are at the identity provider (`sub`).")],
    issuer: Annotated[
        str, typer.Option(help="The provider.", show_default="the one in [web.oidc]")
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Unlink it.")] = False,
    admin: Admin = "",
    password_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Let somebody sign in as an account by the site's identity provider."""
    from copilot.accounts.identities import Identities
    from copilot.plant import utc_now
    from copilot.settings import load_settings

    oidc = load_settings(config).web.oidc
    issuer = issuer or (oidc.issuer if oidc else "")
    with open_accounts(config) as (engine, accounts):
        identities = Identities(engine, accounts, utc_now)
        by = prove(accounts, admin, password_stdin)
        if remove:
            identities.unlink(issuer, subject, by=by)
        else:
            identities.link(issuer, subject, name, by=by)
    typer.echo(f"{subject} of {issuer} {'no longer signs' if remove else 'may sign'} in as {name}.")
