"""`copilot policy`: check a policy, try it on cases, say it in words, replay its decisions."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilot_tools.display import printable

if TYPE_CHECKING:
    from copilot.policy.decision import Decision
    from copilot.policy.policy import Policy
    from copilot.policy.replay import Recorded, Replayed
    from copilot.settings import Settings
    from copilot_tools.site.model import Site

site_policy = typer.Typer(help="Check, try and explain the site's policy.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Argument(help="A Cedar file; default: the one that comes with the copilot."),
]
Plant = Annotated[
    Path | None,
    typer.Option(
        "--plant",
        help="The plant model.",
        show_default="plant.toml, or the plant of the default cases",
    ),
]
Rules = Annotated[
    Path | None,
    typer.Option("--policy", help="A Cedar file; default: the one that comes with the copilot."),
]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]


@site_policy.command()
def check(file: File = None, plant: Plant = None) -> None:
    """Say whether a policy can be put in force; an error names its line."""
    policy = _load(file, _site(plant, file))
    permits = sum(rule.effect == "permit" for rule in policy.rules)
    typer.echo(
        f"{policy.origin}: {permits} rules permit, {len(policy.rules) - permits} forbid; "
        f"sha256 {policy.hash} ({policy.engine})"
    )


@site_policy.command("test")
def try_table(
    table: Annotated[
        Path | None, typer.Argument(help="A decision table; default: that of the default policy.")
    ] = None,
    plant: Plant = None,
    policy: Rules = None,
) -> None:
    """Try a policy on a table of cases; each that is not answered as it should be is printed."""
    from copilot.policy.cases import load_table, read_table, try_cases
    from copilot.policy.policy import shipped

    site = _site(plant, table, policy)
    name = "default_cases.toml"
    cases = load_table(table) if table else read_table(shipped(name), name)
    outcomes = list(try_cases(_load(policy, site), site, cases))
    wrong = [outcome for outcome in outcomes if not outcome.right]
    for outcome in wrong:
        case = outcome.case
        wanted = _answer(case.allowed, case.rules or ())
        typer.echo(f"{cases.origin}:{outcome.line}: {case.name}: wanted {wanted}")
        typer.echo(f"  answered {_explained(outcome.decision)}")
    typer.echo(f"{len(outcomes) - len(wrong)} of {len(outcomes)} cases answered as they should be")
    raise typer.Exit(1 if wrong else 0)


@site_policy.command()
def explain(
    number: Annotated[
        int | None, typer.Argument(help="A proposal; default: say all rules.")
    ] = None,
    config: Config = None,
    case: Annotated[
        str | None, typer.Option("--case", help="A case of the table, by its name.")
    ] = None,
    table: Annotated[Path | None, typer.Option("--table", help="A decision table.")] = None,
    plant: Plant = None,
    policy: Rules = None,
) -> None:
    """Say the rules in words; with a proposal or a case, which of them decided it."""
    if number is not None:
        _explain_proposal(number, config)
    elif case is not None:
        _explain_case(case, table, plant, policy)
    else:
        _explain_all(_load(policy, _site(plant, policy)))


@site_policy.command()
def show() -> None:
    """Print the policy that comes with the copilot, to begin one of your own with."""
    from copilot.policy.policy import shipped

    typer.echo(shipped("default.cedar"), nl=False)


@site_policy.command()
def replay(config: Config = None, policy: Rules = None) -> None:
    """Decide everything in the audit log again; print what would now be decided otherwise.

    The policy is that of the configuration, or the one of --policy. Exit code 1: something differs.
    """
    from copilot.policy.replay import replay as decide_again
    from copilot.settings import load_settings

    settings = load_settings(config)
    known = _configured(settings, policy)
    counted = differing = 0
    for replayed in decide_again(_audit_rows(settings, ""), known):
        counted += 1
        if replayed.differs:
            differing += 1
            _print_replayed(replayed)
    typer.echo(f"{counted} decisions, {differing} would now differ (policy {known.hash[:12]})")
    raise typer.Exit(1 if differing else 0)


def _explain_all(policy: "Policy") -> None:
    from copilot.policy.policy import describe_invariants

    typer.echo("What no policy can lift:")
    for id, says in describe_invariants().items():
        typer.echo(f"  {id}: {says}.")
    for effect, title in (("forbid", "forbids"), ("permit", "permits")):
        typer.echo(f"What {policy.origin} {title}:")
        for rule in policy.rules:
            if rule.effect == effect:
                typer.echo(f"  {rule.rule.id} (line {rule.line}): {rule.rule.says}.")
    typer.echo("Everything else is refused: no rule permits it.")


def _explain_case(name: str, table: Path | None, plant: Path | None, rules: Path | None) -> None:
    from copilot.policy.cases import Table, load_table, read_table, try_cases
    from copilot.policy.errors import PolicyError
    from copilot.policy.policy import shipped

    cases = load_table(table) if table else read_table(shipped("default_cases.toml"), "the table")
    chosen = tuple(entry for entry in cases.cases if entry[1].name == name)
    if not chosen:
        raise PolicyError(f"{cases.origin} has no case {name!r}")
    site = _site(plant, table, rules)
    for outcome in try_cases(_load(rules, site), site, Table(cases.origin, chosen)):
        typer.echo(f"{name}: {_explained(outcome.decision)}")


def _explain_proposal(number: int, config: Path | None) -> None:
    from copilot.approvals.store import get
    from copilot.db import open_database
    from copilot.db import reading as reading_from
    from copilot.policy.replay import replay as decide_again
    from copilot.settings import load_settings

    settings = load_settings(config)
    with reading_from(open_database(settings.database.own)) as connection:
        record = get(connection, number)
    typer.echo(f"#{number} {printable(record.proposal.change.says)} ({record.state})")
    policy = _configured(settings, None)
    for replayed in decide_again(_audit_rows(settings, record.proposal.id), policy):
        typer.echo(f"{_heading(replayed.recorded)}: {_recorded_answer(replayed.recorded)}")
        same = replayed.recorded.policy == policy.hash
        typer.echo(f"  {'in words' if same else 'by the policy of today'}: {replayed.now.why()}")


def _print_replayed(replayed: "Replayed") -> None:
    typer.echo(f"{_heading(replayed.recorded)}: was {_recorded_answer(replayed.recorded)}")
    typer.echo(f"  {printable(replayed.recorded.request.change.says)}")
    typer.echo(f"  would be {_explained(replayed.now)}")


def _heading(recorded: "Recorded") -> str:
    request = recorded.request
    return f"audit row {recorded.seq}, {recorded.at}, {request.verb} by {request.actor.name}"


def _recorded_answer(recorded: "Recorded") -> str:
    return _answer(recorded.allowed, recorded.rules)


def _answer(allowed: bool, rules: Iterable[str]) -> str:
    named = ", ".join(rules)
    return f"{'allowed' if allowed else 'refused'}{f' by {named}' if named else ''}"


def _explained(decision: "Decision") -> str:
    answer = _answer(decision.allowed, (rule.id for rule in decision.rules))
    return f"{answer}: {'; '.join((decision.why(), *decision.errors))}"


def _load(path: Path | None, site: "Site") -> "Policy":
    from copilot.policy.policy import Policy

    return Policy.load(path, site)


def _configured(settings: "Settings", other: Path | None) -> "Policy":
    from copilot.policy.policy import Policy
    from copilot_tools.site.load import load_site

    changes = settings.changes
    site = load_site(settings.plant)
    return Policy.load(other or changes.policy, site, live_age_s=changes.live_age_s)


def _site(plant: Path | None, *own: Path | None) -> "Site":
    """The plant model; that of the default cases when nothing of the site's own is named."""
    from copilot.policy.policy import shipped
    from copilot_tools.site.load import load_site, parse_site

    if plant is not None or any(own):
        return load_site(plant or Path("plant.toml"))
    return parse_site(shipped("default_plant.toml"), "default_plant.toml")


def _audit_rows(settings: "Settings", proposal: str) -> Iterator[str]:
    """The audit rows of a proposal, or all of them, oldest first."""
    from sqlalchemy import select

    from copilot import tables
    from copilot.db import open_database, reading

    query = select(tables.audit.c.row).order_by(tables.audit.c.seq)
    if proposal:
        query = query.where(tables.audit.c.proposal == proposal)
    with reading(open_database(settings.database.own)) as connection:
        yield from connection.execution_options(yield_per=1000).execute(query).scalars()
