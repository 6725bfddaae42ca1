"""Whether models still fit: their inputs against training, their errors, and when to train anew.

The population stability index (PSI) compares the shares in the tenths of the training data: below
.1 nothing changed, above .25 a lot did. The Kolmogorov-Smirnov distance is the largest difference
of the distributions. Page and Hinkley's test (1954) tells when a mean has risen for good.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from copilot.health.machine_course import read_course
from copilot.health.trouble import known_trouble, outside
from copilot.health.workshop import Workshop
from copilot_tools.cycles import read_trace
from copilot_tools.errors import ToolError, Unavailable
from copilot_tools.learnt_life import KIND, read_schema
from copilot_tools.models.abnormality.drift import largest_difference, stability_index
from copilot_tools.models.registry.kinds import Loaded, load_current
from copilot_tools.models.registry.registry import Key
from copilot_tools.outcomes import judge_predictions
from copilot_tools.scorecard import DUE, Judged, tally
from copilot_tools.timeseries import Floats

RECENT_DAYS = 14.0
LEAST_NEWER_DAYS = 7.0
LAST = 50
LEAST_DUE = 10
LEAST_ROWS = 30
LEAST_DISTANCE = 0.3
_SMALL_STEPS = 0.25
_RISEN = 6.0


@dataclass(frozen=True, slots=True)
class SignalDrift:
    """A signal of the last two weeks against the training data."""

    signal: str
    psi: float
    distance: float


@dataclass(frozen=True, slots=True)
class Drift:
    """What a model's inputs and answers look like now; `due` says why it should be trained anew.

    `young` is one that has learnt from most of the days looked at.
    """

    key: Key
    version: int | None
    signals: tuple[SignalDrift, ...] = ()
    coverage: float | None = None
    judged: int = 0
    due: tuple[str, ...] = ()
    young: bool = False


def watch_drift(shop: Workshop, key: Key) -> Drift:
    """The report on the version in use; raises Unavailable when a source does not answer."""
    try:
        loaded = load_current(shop.registry, key)
        if loaded is None:
            return Drift(key, None)
        look = _of_remaining_life if key.kind == KIND else _of_behaviour
        return asyncio.run(look(shop, key, loaded))
    except Unavailable:
        raise
    except ToolError as error:
        return Drift(key, None, due=(str(error),))


async def _of_remaining_life(shop: Workshop, key: Key, loaded: Loaded) -> Drift:
    """Only the operating point is a reason to train anew: what wears has to look different."""
    schema, now = read_schema(loaded.manifest), shop.plant.now()
    assets = shop.assets_of(key.scope)
    names = [*schema.settings, *schema.sensors]
    days, newer = _span(shop, loaded)
    tables, begin = [], now - timedelta(days=days)
    for asset in (a for a in assets if not schema.missing(a)):
        cycles = (await read_trace(shop.plant.history, asset, names, begin, now)).cycles(schema)
        tables.append(np.column_stack([cycles.settings, cycles.sensors]))
    recent = np.concatenate(tables) if tables else np.empty((0, len(names)))
    signals = compare_signals(names, loaded.reference, recent)
    said = [p for p in shop.book.of([a.id for a in assets]) if p.model == loaded.manifest.name]
    outcomes = (await judge_predictions(shop.plant, said)).values() if said else ()
    last = last_due(outcomes)
    card = tally(last)
    due = [*_aged(shop, loaded)]
    if newer:
        due += _moved(shop, [s for s in signals if s.signal in schema.settings])
    if card.due >= LEAST_DUE and (card.coverage or 0.0) < shop.settings.retrain_coverage:
        due.append(f"only {card.coverage:.0%} of the last {card.due} outcomes in the interval")
    errors = [abs(j.error) / max(j.prediction.days, 1.0) for j in last if j.error is not None]
    if has_risen(errors):
        due.append("its errors have risen")
    version = loaded.manifest.version
    return Drift(key, version, signals, card.coverage, card.due, tuple(due), young=not newer)


async def _of_behaviour(shop: Workshop, key: Key, loaded: Loaded) -> Drift:
    asset = shop.plant.site.assets.get(key.scope)
    version = loaded.manifest.version
    if asset is None:
        return Drift(key, version, due=("the plant model has no such machine any more",))
    trouble = await known_trouble(shop.plant, asset.id)
    span, newer = _span(shop, loaded)
    course = (await read_course(shop.plant, asset, span)).untroubled(trouble)
    signals: tuple[SignalDrift, ...] = ()
    due = [*_aged(shop, loaded)]
    if loaded.reference.shape[1] == len(course.signals) and course.rows:
        recent = np.concatenate(list(course.rows.values()))
        signals = compare_signals(course.signals, loaded.reference, recent)
        due += _moved(shop, signals) if newer else []
    elif course.rows:
        due.append("the machine has other signals now")
    days = [s for s in shop.book.scores([asset.id]) if s.model == loaded.manifest.name]
    free = outside(np.array([_noon(s.day) for s in days]), trouble)
    if has_risen([s.score for s, healthy in zip(days, free, strict=True) if healthy]):
        due.append("its daily scores have risen")
    return Drift(key, version, signals, due=tuple(due), young=not newer)


def _span(shop: Workshop, loaded: Loaded) -> tuple[float, bool]:
    """How many days to look at, and whether a model is to be held against them.

    Not against those it has learnt from: it would be due again as soon as it is trained.
    """
    until = loaded.manifest.until or loaded.manifest.created
    newer = (shop.plant.now() - until).total_seconds() / 86400
    return (min(newer, RECENT_DAYS), True) if newer >= LEAST_NEWER_DAYS else (RECENT_DAYS, False)


def compare_signals(
    names: Sequence[str], reference: Floats, recent: Floats
) -> tuple[SignalDrift, ...]:
    """How far each signal, a column, has moved; signals with too few values are left out."""
    drifts = []
    for column, name in enumerate(names):
        before, now = (t[:, column][np.isfinite(t[:, column])] for t in (reference, recent))
        if min(len(before), len(now)) >= LEAST_ROWS:
            distance = largest_difference(before, now)
            drifts.append(SignalDrift(name, stability_index(before, now), distance))
    return tuple(drifts)


def has_risen(values: Sequence[float]) -> bool:
    """Whether the mean of a course has risen and stayed up, in scatters of its first half."""
    from river.drift import PageHinkley

    if len(values) < 2 * LEAST_DUE:
        return False
    first = np.array(values[: len(values) // 2])
    scatter = max(float(first.std()), 1e-3 * abs(float(first.mean())), 1e-9)
    test: Any = PageHinkley(
        min_instances=LEAST_DUE, delta=_SMALL_STEPS, threshold=_RISEN, mode="up"
    )
    for value in values:
        test.update((value - float(first.mean())) / scatter)
        if test.drift_detected:
            newest = float(np.mean(values[-LEAST_DUE:]))
            return newest > float(first.mean()) + _SMALL_STEPS * scatter
    return False


def last_due(outcomes: Iterable[Sequence[Judged]]) -> list[Judged]:
    """The last outcomes over all components, in the order the predictions were made."""
    due = [each for course in outcomes for each in course if each.verdict in DUE]
    return sorted(due, key=lambda each: each.prediction.at)[-LAST:]


def _noon(day: str) -> float:
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC).timestamp()


def _aged(shop: Workshop, loaded: Loaded) -> list[str]:
    age = (shop.plant.now() - loaded.manifest.created).total_seconds() / 86400
    most = shop.settings.retrain_days
    return [f"trained {age:.0f} days ago, more than {most:g}"] if age > most else []


def _moved(shop: Workshop, signals: Iterable[SignalDrift]) -> list[str]:
    most = shop.settings.retrain_psi
    # What follows the weather has a high PSI over two weeks, but no such distance.
    moved = [s for s in signals if s.psi > most and s.distance >= LEAST_DISTANCE]
    return [f"{s.signal} has moved: PSI {s.psi:.2f} > {most:g}" for s in moved]
