"""`copilot eval`: measurements that print a table, and with --json one JSON object as last line."""

from pathlib import Path
from typing import Annotated

import typer

evaluations = typer.Typer(
    help="Measure planner, answers, speed and the write path.", no_args_is_help=True
)

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


@evaluations.command()
def hostile(
    json: Json = False,
    calls: Annotated[int, typer.Option(min=1, help="How many tool calls.")] = 20_000,
) -> None:
    """Writes that reach a plant without approval while a model does its worst."""
    from copilot_evals.hostile import run

    raise typer.Exit(run(calls=calls, as_json=json))


@evaluations.command()
def crash(
    json: Json = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often a process is killed.")] = 300,
) -> None:
    """Double writes and lost states when processes are killed at every point of a change."""
    from copilot_evals.crash import run

    raise typer.Exit(run(rounds=rounds, as_json=json))


@evaluations.command()
def policy(
    json: Json = False,
    decisions: Annotated[int, typer.Option(min=1, help="How many decisions.")] = 200_000,
) -> None:
    """Allowed decisions with evaluation errors, and milliseconds a decision takes."""
    from copilot_evals.policy import run

    raise typer.Exit(run(decisions=decisions, as_json=json))


@evaluations.command()
def audit(
    json: Json = False,
    edits: Annotated[int, typer.Option(min=1, help="How many tampered logs.")] = 2_000,
) -> None:
    """Share of edited, cut, swapped and forked audit logs that verification finds and names."""
    from copilot_evals.audit import run

    raise typer.Exit(run(edits=edits, as_json=json))


@evaluations.command()
def retrieval(
    folder: Annotated[
        Path | None, typer.Argument(help="A question set in E-Manual form.", metavar="[DIR]")
    ] = None,
    json: Json = False,
    speed: Annotated[
        bool, typer.Option("--speed", help="Also speed and memory at 10,000 and 100,000 chunks.")
    ] = False,
) -> None:
    """Share of questions whose passage comes first, per ranking method; pages and abstention."""
    from copilot_evals.retrieval import run

    raise typer.Exit(run(folder, speed=speed, as_json=json))


@evaluations.command()
def web(
    json: Json = False,
    tabs: Annotated[int, typer.Option(min=0, help="How many tabs watch live values.")] = 0,
    seconds: Annotated[float, typer.Option(min=10, help="How long they are watched.")] = 60,
) -> None:
    """Bytes and milliseconds of a first visit, time to the first fact, cost of many open tabs."""
    _need_browser()
    from copilot_evals.web import run

    raise typer.Exit(run(tabs=tabs, seconds=seconds, as_json=json))


@evaluations.command()
def screens(
    folder: Annotated[Path, typer.Argument(help="Where the pictures go.")],
) -> None:
    """Pictures of every page: light, dark, kiosk, phone, wide, and in other languages."""
    _need_browser()
    from copilot_evals.screens import run

    raise typer.Exit(run(folder))


@evaluations.command()
def rul(
    folder: Annotated[
        Path, typer.Argument(help="NASA C-MAPSS: train, test and RUL files.", metavar="DIR")
    ],
    json: Json = False,
    subset: Annotated[
        list[str] | None, typer.Option("--subset", help="Only this one: FD001 to FD004.")
    ] = None,
    oof: Annotated[bool, typer.Option(help="Also judge every training unit by others.")] = True,
) -> None:
    """RMSE and PHM08 score of remaining life, interval coverage and alarms, by subset."""
    from copilot_evals.rul import run

    raise typer.Exit(run(folder, subsets=subset or (), oof=oof, as_json=json))


@evaluations.command()
def anomaly(
    folder: Annotated[
        Path, typer.Argument(help="SKAB: valve1/, valve2/, other/, or any of them.", metavar="DIR")
    ],
    json: Json = False,
    speed: Annotated[bool, typer.Option(help="Also what scoring a fleet costs.")] = True,
) -> None:
    """F1, false and missed alarms of the anomaly detectors, beside rules that know nothing."""
    from copilot_evals.anomaly import run

    raise typer.Exit(run(folder, speed=speed, as_json=json))


@evaluations.command()
def vision(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of pictures for each class.", metavar="[DIR]")
    ] = None,
    json: Json = False,
    bursts: Annotated[int, typer.Option(min=0, help="How many planted bursts.")] = 50,
) -> None:
    """Accuracy and recall of the vision model, its milliseconds a picture, bursts explained."""
    from copilot_evals.vision import run

    raise typer.Exit(run(folder, bursts=bursts, as_json=json))


@evaluations.command()
def rca(
    json: Json = False,
    runs: Annotated[int, typer.Option(min=1, help="How many runs with a fault.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="What the runs are drawn from.")] = 5005,
) -> None:
    """Share of faults of the demo plant whose cause is named first; abstention when all is well."""
    from copilot_evals.rca import run

    raise typer.Exit(run(runs=runs, seed=seed, as_json=json))


def _need_browser() -> None:
    """End in one clear line where what drives a browser is not installed."""
    from importlib.util import find_spec

    for package in ("playwright", "psutil"):
        if find_spec(package) is None:
            typer.echo(
                f"{package} is not installed; the pages are measured in a checkout", err=True
            )
            raise typer.Exit(2)
