"""`copilot eval`: measurements that print a table, and with --json one JSON object as last line."""

from pathlib import Path
from typing import Annotated

import typer

evaluations = typer.Typer(help="Measure planner, answers and speed.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first cases.")]


@evaluations.command()
def planner(
    cases: Annotated[Path | None, typer.Argument(help="Cases as JSONL; default: our own.")] = None,
    json: Json = False,
    limit: Limit = None,
    failures: Annotated[bool, typer.Option(help="Also print each case that went wrong.")] = False,
) -> None:
    """Share of messages planned right: valid JSON, the right tools, the right arguments."""
    from copilot_evals.planner import run

    raise typer.Exit(run(cases, limit=limit, as_json=json, show_failures=failures))


@evaluations.command()
def plant(json: Json = False, limit: Limit = None) -> None:
    """Share of questions to seeded demo plants whose facts agree with simulator and SQL truth."""
    from copilot_evals.plant import run

    raise typer.Exit(run(limit=limit, as_json=json))


@evaluations.command()
def latency(
    json: Json = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 5,
) -> None:
    """Seconds to plan, to the first fact and for the whole turn, cold and warm; memory."""
    from copilot_evals.latency import run

    raise typer.Exit(run(rounds=rounds, as_json=json))
