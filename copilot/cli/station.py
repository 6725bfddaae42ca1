"""`copilot station`: trains vision models, inspects pictures, asks people where it is unsure."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from copilot.cli.station_site import (
    By,
    Config,
    Database,
    Models,
    Name,
    engine_of,
    key_of,
    lines_of,
    login,
    now,
    registry_of,
    settings_of,
)

if TYPE_CHECKING:
    from copilot.station.reviews import Learnable
    from copilot_tools.vision.card import Card
    from copilot_tools.vision.folder import LabelledFolder

station = typer.Typer(help="Inspect pictures of parts by a trained model.", no_args_is_help=True)

NAME = "camera"
NEWEST = 1000


@station.command()
def train(
    folder: Annotated[Path, typer.Argument(help="A folder for each class, one named good or ok.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where models lie.", show_default="[health] models"),
    ] = None,
    name: Name = NAME,
    seed: Annotated[int, typer.Option(help="Same pictures and seed, same model.")] = 0,
    reviews: Annotated[
        bool, typer.Option("--reviews", help="Learn from what people decided of parts, too.")
    ] = False,
    since: Annotated[
        str, typer.Option(help="Only from decisions of this day on (2026-11-30).")
    ] = "",
    database: Database = None,
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
    if since and not reviews:
        raise Failed("--since chooses reviewed parts; give it with --reviews")
    learnable = _reviews(labelled, since, database, config) if reviews else None
    registry = registry_of(out, config)
    with shown_progress() as step:
        trained = train_model(learnable.folder if learnable else labelled, name, seed, step)
    manifest = store(registry, trained, by or login(), utc_now(), learnable)
    _report(trained.card)
    in_use = registry.pointer(key_of(name)).current == manifest.version
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
    from copilot.station.models import ModelInUse
    from copilot.station.service import Service, serve
    from copilot.station.station import Station

    settings = settings_of(config)
    inbox.mkdir(parents=True, exist_ok=True)
    takes = Station(
        engine_of(database, config),
        ModelInUse(registry_of(models, config), name, lambda text: typer.echo(text, err=True)),
        settings.images,
        lines_of(settings),
        Labels(line, product, lot),
        now,
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
    from copilot.station.database import decide, read_decision, waiting_reviews
    from copilot_tools.display import printable

    engine = engine_of(database, config)
    if inspection is not None:
        said = read_decision(decision)
        who = by or login()
        decide(engine, inspection, said, who[:80], now())
        typer.echo(printable(f"{inspection}: {said}, by {who}"))
        return
    waiting = waiting_reviews(engine, most)
    images = settings_of(config).images
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

    registry, key = registry_of(models, config), key_of(name)
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
def status(
    name: Name = NAME,
    models: Models = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Say how the model in use fares: reviews, drift, whether training anew is due."""
    from copilot.station.models import open_current
    from copilot.station.reviews import newest_distances, standing
    from copilot_tools.vision.drift import NOTABLE, stability_index

    card = open_current(
        registry_of(models, config), name, lambda text: typer.echo(text, err=True)
    ).card
    engine = engine_of(database, config)
    fares = standing(engine, card.label)
    typer.echo(
        f"{card.label}: {card.held_out.accuracy:.1%} right of {card.held_out.pictures} held out\n"
        f"inspected {fares.inspected}, {fares.waiting} wait for a person, {fares.decided} decided, "
        f"{fares.otherwise} of them otherwise than it said"
    )
    reference = [distance / card.limit for distance in card.distances]
    index = stability_index(newest_distances(engine, card.label, NEWEST), reference)
    if index is None:
        typer.echo("drift: too few good parts to tell")
    else:
        said = "light, lens, place or part changed" if index > NOTABLE else "none to speak of"
        typer.echo(f"drift: {said} (stability index {index:.2f}, notable above {NOTABLE})")
    if fares.due:
        typer.echo(
            "Training anew is due: people often decide otherwise; "
            f"`copilot station train PICTURES --name {name} --reviews`"
        )


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

    registry = registry_of(models, config)
    open_version(registry, name, version)
    registry.promote(key_of(name), version, now(), by or login(), reason)
    typer.echo(f"{name} v{version} is in use; a running station takes it before its next part.")


@station.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    name: Name = NAME,
    by: By = "",
    models: Models = None,
    config: Config = None,
) -> None:
    """Bring the version before back into use."""
    pointer = registry_of(models, config).roll_back(key_of(name), now(), by or login(), reason)
    typer.echo(f"{name} v{pointer.current} is in use again.")


def _reviews(
    labelled: "LabelledFolder", since: str, database: str | None, config: Path | None
) -> "Learnable":
    """The folder with the reviewed parts, which are told of."""
    from datetime import date, datetime, time

    from copilot.station.reviews import with_reviews
    from copilot_tools.errors import Failed
    from copilot_tools.site.load import load_site

    settings, begin = settings_of(config), None
    if since:
        try:
            zone = load_site(settings.plant).time_zone
            begin = datetime.combine(date.fromisoformat(since), time(), zone)
        except ValueError:
            raise Failed(f"--since {since!r} is no day; write it as 2026-11-30") from None
    found = with_reviews(engine_of(database, config), settings.images, labelled, begin)
    for why in found.left_out:
        typer.echo(f"left out: {why}", err=True)
    since_when = f", decided since {found.since:%Y-%m-%d}" if found.since else ""
    typer.echo(f"learning from {found.parts} reviewed parts, too{since_when}")
    return found


def _report(card: "Card") -> None:
    held_out = card.held_out
    if card.reviewed and card.reviewed.held_out:
        typer.echo(
            f"of reviewed parts {card.reviewed.held_out} were held out: {card.reviewed.right} right"
        )
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
