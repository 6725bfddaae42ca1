"""`copilot health`: train models of machines, look at them, bring them into use, watch them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from copilot.health.work import Made
    from copilot.health.workshop import Workshop
    from copilot_tools.models.registry.registry import Key, Registry

health = typer.Typer(
    help="Train, promote and watch the models of remaining life and behaviour.",
    no_args_is_help=True,
)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]
Kind = Annotated[str, typer.Argument(help="remaining-life or behaviour.")]
Scope = Annotated[str, typer.Argument(help='What it is for: "pump/bearing", or a machine.')]
Assets = Annotated[list[str] | None, typer.Argument(help="Machines by id or name.")]
Scheduler = Annotated[
    str | None, typer.Option(help="A Dask scheduler, tcp://...", show_default=False)
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes of this machine.", show_default=False)
]
Reason = Annotated[str, typer.Option(help="Why; kept with the change.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@health.command()
def train(
    kind: Kind,
    assets: Assets = None,
    every: Annotated[bool, typer.Option("--all", help="All machines of the plant.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--from", help="Lives from csv files in this folder.", show_default=False),
    ] = None,
    scope: Annotated[str, typer.Option(help='With --from: what for, like "pump/bearing".')] = "",
    cycle_hours: Annotated[
        float, typer.Option(min=0.01, help="With --from: running hours of a cycle.")
    ] = 1.0,
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Only models that drift or age call for.")
    ] = False,
    promote: Annotated[
        bool, typer.Option("--promote", help="Bring into use what is no worse than before.")
    ] = False,
    scheduler: Scheduler = None,
    workers: Workers = None,
    config: Config = None,
) -> None:
    """Train new versions; they only run along until promoted. Exit code 1 when one was not made.

    With --all those that have not enough history yet are named, and do not count for that.
    """
    from copilot.cli.health_training import Wish, run_training

    wish = Wish(kind, tuple(assets or ()), every, folder, scope, cycle_hours, if_needed, promote)
    with _workshop(config, workers, scheduler) as shop:
        made = run_training(shop, wish)
    raise typer.Exit(_say_made(made, every))


@health.command("list")
def show_all(config: Config = None) -> None:
    """List every model with the version in use and the one that runs along."""
    from copilot_tools.models.registry.manifest import Unusable

    registry = _registry(config)
    keys = registry.models()
    if not keys:
        typer.echo("No models are trained yet: copilot health train KIND --all")
    for key in keys:
        try:
            pointer = registry.pointer(key)
            state = f"in use v{pointer.current}" if pointer.current else "none in use"
            if pointer.shadow:
                state += f", v{pointer.shadow} runs along"
        except Unusable as error:
            state = str(error)
        typer.echo(f"{key}  {len(registry.versions(key))} versions, {state}")


@health.command()
def show(
    kind: Kind,
    scope: Scope,
    version: Annotated[int | None, typer.Argument(help="Default: the newest.")] = None,
    config: Config = None,
) -> None:
    """Show what is known of a version: data, features, back-test, intervals, card."""
    registry = _registry(config)
    key = _key(registry, kind, scope)
    typer.echo(
        registry.manifest(key, version or registry.versions(key)[-1]).model_dump_json(indent=2)
    )


@health.command()
def promote(
    kind: Kind,
    scope: Scope,
    version: Annotated[
        int | None, typer.Argument(help="Default: the one that runs along.", show_default=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even if its back-test is worse; needs --reason.")
    ] = False,
    reason: Reason = "",
    config: Config = None,
) -> None:
    """Bring a version into use, unless its back-test is worse than that of the one in use."""
    import getpass

    from copilot.health.promotion import objection
    from copilot.plant import utc_now
    from copilot_tools.errors import Failed
    from copilot_tools.models.registry.kinds import load

    registry = _registry(config)
    key = _key(registry, kind, scope)
    chosen = version or _shadow(registry, key)
    load(registry, key, chosen)
    why = objection(registry, key, chosen)
    if why and not (force and reason):
        raise Failed(f"{key} v{chosen} stays out of use: {why} (--force with --reason overrules)")
    registry.promote(key, chosen, utc_now(), getpass.getuser(), reason)
    typer.echo(f"{key} v{chosen} is in use.")


@health.command()
def rollback(kind: Kind, scope: Scope, reason: Reason = "", config: Config = None) -> None:
    """Bring the version before back into use."""
    import getpass

    from copilot.plant import utc_now

    registry = _registry(config)
    key = _key(registry, kind, scope)
    pointer = registry.roll_back(key, utc_now(), getpass.getuser(), reason)
    typer.echo(f"{key} v{pointer.current} is in use again.")


@health.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest of each model.")] = 5,
    config: Config = None,
) -> None:
    """Remove old versions, but those in use, before that or running along. Exit code 1: not all."""
    from copilot_tools.models.registry.manifest import Unusable

    registry = _registry(config)
    troubled = False
    for key in registry.models():
        try:
            old = registry.prune(key, keep)
        except Unusable as error:
            troubled = True
            typer.echo(f"{key}: nothing is removed: {error}")
            continue
        if old:
            gone = ", ".join(f"v{version}" for version in old)
            typer.echo(f"{key}: {gone} removed, {len(registry.versions(key))} stay")
    raise typer.Exit(int(troubled))


@health.command()
def score(
    assets: Assets = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    config: Config = None,
) -> None:
    """Ask the models in use and those that run along about machines, and keep what they say."""
    from copilot.health.scoring import score_behaviour, score_remaining_life

    with _workshop(config, workers, scheduler) as shop:
        machines = shop.assets(assets or [])
        nothing = True
        for scored in (*score_remaining_life(shop, machines), *score_behaviour(shop, machines)):
            nothing = False
            note = " (runs along)" if scored.role == "shadow" else ""
            typer.echo(f"{scored.asset} {scored.what}: {scored.said}; {scored.model}{note}")
    if nothing:
        typer.echo("No model is in use or runs along for these machines.")


@health.command()
def drift(json: Json = False, config: Config = None) -> None:
    """Compare each model in use with the last two weeks; exit code 1 when one is due again."""
    from copilot.cli.health_report import print_drift
    from copilot.health.drift import watch_drift
    from copilot_tools.models.registry.kinds import KIND_NAMES

    with _workshop(config) as shop:
        keys = [key for kind in KIND_NAMES for key in shop.registry.models(kind)]
        reports = [watch_drift(shop, key) for key in keys]
    raise typer.Exit(print_drift(reports, json))


@health.command()
def scorecard(json: Json = False, config: Config = None) -> None:
    """How often past predictions were right, by component and model."""
    import asyncio

    from copilot.cli.health_report import print_scorecards
    from copilot_tools.outcomes import judge_predictions

    with _workshop(config) as shop:
        judged = asyncio.run(judge_predictions(shop.plant, shop.book.of(None)))
    print_scorecards(judged, json)


def _say_made(made: "Iterable[Made]", every: bool) -> int:
    failed, early = 0, []
    for one in made:
        if every and one.early:
            early.append(one.key.scope)
        elif one.manifest is None:
            failed = 1
            typer.echo(f"{one.key}: {one.why}")
        else:
            metrics = [
                f"{name} {value:.3g}"
                for name, value in one.manifest.metrics.items()
                if value is not None and "loss" not in name
            ]
            state = one.why or "runs along"
            typer.echo(f"{one.manifest.name}: {state}; {', '.join(metrics)}")
    if early:
        typer.echo(f"Not enough history yet for {len(early)}: {', '.join(early)}.")
        typer.echo("What one of them lacks is said when its machine is named instead of --all.")
    return failed


def _shadow(registry: "Registry", key: "Key") -> int:
    from copilot_tools.errors import Failed

    shadow = registry.pointer(key).shadow
    if shadow is None:
        raise Failed(f"{key}: no version runs along; name the one to promote")
    return shadow


def _registry(config: Path | None) -> "Registry":
    from copilot.settings import load_settings
    from copilot_tools.models.registry.registry import Registry

    return Registry(load_settings(config).health.models)


def _key(registry: "Registry", kind: str, scope: str) -> "Key":
    from copilot.health.workshop import name_of
    from copilot_tools.models.registry.registry import Key

    return Key(kind, name_of(kind, scope, registry))


@contextmanager
def _workshop(
    config: Path | None, workers: int | None = None, scheduler: str | None = None
) -> "Iterator[Workshop]":
    from copilot.health.workshop import open_workshop
    from copilot.settings import load_settings

    with open_workshop(load_settings(config), workers, scheduler) as shop:
        yield shop
