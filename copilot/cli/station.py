"""`copilot station`: trains vision models, inspects pictures, asks people where it is unsure."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from copilot.settings import Settings
    from copilot_tools.models.registry.registry import Key, Registry
    from copilot_tools.vision.card import HeldOut
    from copilot_tools.vision.model import VisionModel

station = typer.Typer(help="Inspect pictures of parts by a trained model.", no_args_is_help=True)

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]
Models = Annotated[
    Path | None,
    typer.Option("--models", help="Where models lie.", show_default="[health] models"),
]
Name = Annotated[str, typer.Option("--name", help="Which model.")]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="COPILOT_STATION_DATABASE",
        help="The plant database by a login that may write.",
        show_default="[database] plant",
    ),
]
By = Annotated[str, typer.Option("--by", help="Who does this.", show_default="your login")]
NAME = "camera"


@station.command()
def train(
    folder: Annotated[Path, typer.Argument(help="A folder for each class, one named good or ok.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where models lie.", show_default="[health] models"),
    ] = None,
    name: Name = NAME,
    seed: Annotated[int, typer.Option(help="Same pictures and seed, same model.")] = 0,
    by: By = "",
    config: Config = None,
) -> None:
    """Train a model on labelled pictures and report on those that it never saw."""
    from copilot.demo.progress import shown_progress
    from copilot.plant import utc_now
    from copilot.station.models import store
    from copilot_tools.errors import Failed
    from copilot_tools.vision.folder import GOOD_NAMES, find_labelled
    from copilot_tools.vision.training import train as train_model

    labelled = find_labelled(folder)
    if not labelled.good:
        raise Failed(f"{folder} has no folder of good parts; name one of {', '.join(GOOD_NAMES)}")
    registry = _registry(out, config)
    with shown_progress() as step:
        trained = train_model(labelled, name, seed, step)
    manifest = store(registry, trained, by or _login(), utc_now())
    _report(trained.card.held_out)
    in_use = registry.pointer(_key(name)).current == manifest.version
    typer.echo(
        f"{manifest.name} ({trained.card.label}) "
        + ("is in use." if in_use else f"is stored; `copilot station promote {manifest.version}`.")
    )


@station.command()
def run(
    inbox: Annotated[Path, typer.Argument(help="The folder that cameras put pictures into.")],
    line: Annotated[str, typer.Option(help="The line, where a picture tells none.")] = "",
    product: Annotated[str, typer.Option(help="The product, where a picture tells none.")] = "",
    lot: Annotated[str, typer.Option(help="The lot, where a picture tells none.")] = "",
    pattern: Annotated[
        str, typer.Option(help="What file names say, such as {line}_{lot}_{time}.")
    ] = "",
    http: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Also take pictures on this local port.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Take what is there, then end.")] = False,
    name: Name = NAME,
    models: Models = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Inspect pictures as they come, until told to stop."""
    from copilot.station.inbox import Inbox
    from copilot.station.labels import Labels, NamePattern
    from copilot.station.service import Service, serve
    from copilot.station.station import Station

    settings, engine = _settings(config), _engine(database, config)
    inbox.mkdir(parents=True, exist_ok=True)
    takes = Station(
        engine,
        _model(_registry(models, config), name),
        settings.images,
        _lines(settings),
        Labels(line, product, lot),
        _now,
    )
    form = NamePattern(pattern) if pattern else None
    service = Service(Inbox(inbox, takes, form, settled_s=0.0 if once else 1.0), typer.echo)
    raise typer.Exit(service.once() if once else serve(service, http))


@station.command()
def review(
    inspection: Annotated[
        int | None, typer.Argument(help="The id of a part; without it those that wait are listed.")
    ] = None,
    decision: Annotated[
        str, typer.Argument(help="What it is: good, or the defect.", show_default=False)
    ] = "",
    by: By = "",
    most: Annotated[int, typer.Option(min=1, help="How many are listed.")] = 20,
    database: Database = None,
    config: Config = None,
) -> None:
    """List the parts that the model was unsure of, or say what one of them is."""
    from copilot.station.database import decide, waiting_reviews
    from copilot_tools.display import printable
    from copilot_tools.errors import Failed

    engine = _engine(database, config)
    if inspection is not None:
        said = decision.strip().lower()
        if not 0 < len(said) <= 40:
            raise Failed("say what it is: good, or the name of the defect (40 characters at most)")
        who = by or _login()
        decide(engine, inspection, said, who[:80], _now())
        typer.echo(printable(f"{inspection}: {said}, by {who}"))
        return
    waiting = waiting_reviews(engine, most)
    images = _settings(config).images
    for row in waiting:
        found = row["defect"] or "good"
        text = f"{row['id']}  {row['time']:%Y-%m-%d %H:%M} UTC  {row['line']}  {row['batch']}  "
        typer.echo(printable(f"{text}{found} ({row['review']})  {images / row['image']}"))
    if not waiting:
        typer.echo("Nothing waits for a person.")


@station.command()
def models(name: Name = NAME, models: Models = None, config: Config = None) -> None:
    """List the versions of a model, the one in use marked, with their held-out accuracy."""
    from copilot_tools.models.registry.manifest import Unusable

    registry, key = _registry(models, config), _key(name)
    pointer = registry.pointer(key)
    for version in registry.versions(key):
        mark = "*" if version == pointer.current else " "
        try:
            manifest = registry.manifest(key, version)
            said = f"{manifest.created:%Y-%m-%d}  {manifest.metrics.get('accuracy') or 0:.1%}  "
            typer.echo(f"{mark} v{version}  {said}{manifest.card}")
        except Unusable as unusable:
            typer.echo(f"{mark} v{version}  {unusable}")


@station.command()
def promote(
    version: Annotated[int, typer.Argument(min=1)],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    name: Name = NAME,
    by: By = "",
    models: Models = None,
    config: Config = None,
) -> None:
    """Bring a version into use, once it has opened and judged a trial picture."""
    from copilot.station.models import open_version

    registry = _registry(models, config)
    open_version(registry, name, version)
    registry.promote(_key(name), version, _now(), by or _login(), reason)
    typer.echo(f"{name} v{version} is in use; a running station takes it at its next start.")


@station.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    name: Name = NAME,
    by: By = "",
    models: Models = None,
    config: Config = None,
) -> None:
    """Bring the version before back into use."""
    pointer = _registry(models, config).roll_back(_key(name), _now(), by or _login(), reason)
    typer.echo(f"{name} v{pointer.current} is in use again.")


def _report(held_out: "HeldOut") -> None:
    typer.echo(
        f"{held_out.pictures} pictures held out: {held_out.accuracy:.1%} right, "
        f"{held_out.reviewed:.1%} would go to a person"
    )
    for name, recall in held_out.recall.items():
        taken = ", ".join(f"{n} as {other}" for other, n in held_out.confused[name].items())
        typer.echo(
            f"  {name}: recall {recall:.1%}, precision {held_out.precision[name]:.1%}"
            + (f"; {taken}" if taken else "")
        )


def _settings(config: Path | None) -> "Settings":
    from copilot.settings import load_settings

    return load_settings(config)


def _engine(database: str | None, config: Path | None) -> "Engine":
    from copilot.station.database import open_writing

    return open_writing(database or _settings(config).database.plant)


def _registry(folder: Path | None, config: Path | None) -> "Registry":
    from copilot_tools.models.registry.registry import Registry

    return Registry(folder if folder is not None else _settings(config).health.models)


def _model(registry: "Registry", name: str) -> "VisionModel":
    from copilot.station.models import open_current

    return open_current(registry, name, lambda text: typer.echo(text, err=True))


def _lines(settings: "Settings") -> tuple[str, ...]:
    from copilot_tools.site.load import load_site

    return tuple(load_site(settings.plant).lines)


def _key(name: str) -> "Key":
    from copilot.station.models import KIND
    from copilot_tools.models.registry.registry import Key

    return Key(KIND, name)


def _now() -> "datetime":
    from copilot.plant import utc_now

    return utc_now()


def _login() -> str:
    from getpass import getuser

    return getuser()
