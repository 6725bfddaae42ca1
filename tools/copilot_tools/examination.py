"""Compares how a machine runs with how it usually ran: in which spell it was unlike itself."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from copilot_tools.course import Course, Making, chart_course, ordered_signals
from copilot_tools.errors import Failed, Unavailable
from copilot_tools.models.behaviour import Behaviour, Residuals
from copilot_tools.plant import Plant
from copilot_tools.records import OrderStatus
from copilot_tools.site.model import Asset, Signal
from copilot_tools.sources.protocols import Samples
from copilot_tools.timeseries import Flags, Floats, resting_since, to_arrays, to_time
from copilot_tools.windows import Period

REFERENCE = timedelta(days=35)
GUARD = timedelta(days=2)
FACTOR = 1.5
HYSTERESIS = 0.7
LEAST_ROWS = 3
LEAST_SIGMAS = 4.5
LEAST_REFERENCE = 150
_REST_OBSERVED = timedelta(days=3)

Verdict = Literal["normal", "abnormal", "unknown operating point", "not running", "not enough data"]


@dataclass(frozen=True, slots=True)
class Deviation:
    """How a signal stood in the spell, against what is usual at that operating point.

    `shift` is in its unit, `sigmas` in usual scatters, `share` its part of the whole deviation.
    """

    signal: Signal
    level: float
    shift: float
    sigmas: float
    share: float


@dataclass(frozen=True, slots=True)
class Examination:
    """The verdict on a period; begin and end are of the abnormal spell, `score` its median.

    A score of 1 is the 99 % limit of usual behaviour; `ongoing` means the spell reaches the last
    sample. `deviations` come with the largest first. `resting` names signals that used to move and
    have stopped doing so, with the time since when.
    """

    asset: Asset
    period: Period
    verdict: Verdict
    newest: datetime
    begin: datetime | None = None
    end: datetime | None = None
    ongoing: bool = False
    course: Course | None = None
    score: float = 0.0
    deviations: tuple[Deviation, ...] = ()
    reference_days: float = 0.0
    resting: tuple[tuple[str, datetime], ...] = ()
    left_out: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


async def examine(plant: Plant, asset: Asset, period: Period) -> Examination:
    """Judge the running time of a period by up to five weeks of history before it.

    The two days just before the period are not learnt from, so that what has been growing since
    then stands out. Raises Unavailable when the history does not answer, Failed for an asset
    without signals.
    """
    begin = period.start - GUARD - REFERENCE
    signals = ordered_signals(asset)
    if not signals:
        raise Failed(f"{asset.id} {asset.name} has no signals that could be judged.")
    found = await plant.history.read([signal.id for signal in signals], begin, period.end)
    makings, notices = await _makings(plant, asset)
    return await asyncio.to_thread(_judge, asset, period, found, makings, notices)


async def _makings(plant: Plant, asset: Asset) -> tuple[list[Making], tuple[str, ...]]:
    """What the asset's line made, and from when to when; machines run otherwise for each."""
    if not asset.line:
        return [], ()
    try:
        orders = await plant.erp.production_orders()
    except Unavailable as error:
        return [], (f"{error}. Products are not told apart.",)
    far = plant.now() + timedelta(days=1)
    return [
        Making(order.product, order.start.timestamp(), (order.finished or far).timestamp())
        for order in orders
        if order.line == asset.line and order.status in (OrderStatus.RUNNING, OrderStatus.DONE)
    ], ()


def _judge(
    asset: Asset,
    period: Period,
    found: Mapping[str, Samples],
    makings: Sequence[Making],
    notices: tuple[str, ...],
) -> Examination:
    begin = period.start - GUARD - REFERENCE
    course, left_out = chart_course(asset, found, begin, period.start, period.end, makings)
    window = course.between(period.start, period.end)
    newest = max((s.times[-1] for s in found.values() if s.times), default=period.start)

    def verdict(words: Verdict, **more: Any) -> Examination:
        return Examination(
            asset, period, words, newest, course=course, left_out=left_out, notices=notices, **more
        )

    if not course.signals or not np.isfinite(course.rows[window]).any():
        return verdict("not enough data")
    if (course.running & window).sum() < LEAST_ROWS:
        return verdict("not running")
    learnt = course.between(begin, period.start - GUARD)
    scored = _score(course, learnt)
    seen = window & np.isfinite(scored.scores)
    days = float((course.running & learnt).sum() * course.width / 86400)
    if seen.sum() < LEAST_ROWS:
        return verdict("not enough data", reference_days=days)
    resting = _resting(found, course, newest)
    spell = _last_spell(course, scored, window)
    if spell is None:
        return verdict(
            "normal" if scored.unseen[seen].mean() <= 0.5 else "unknown operating point",
            score=float(np.median(scored.scores[seen])),
            deviations=_deviations(course, scored, seen),
            reference_days=days,
            resting=resting,
        )
    times = course.seconds[spell]
    ongoing = bool(spell[np.flatnonzero(np.isfinite(scored.scores))[-1]])
    return verdict(
        "abnormal",
        begin=to_time(times[0]),
        end=None if ongoing else to_time(times[-1] + course.width),
        ongoing=ongoing,
        score=float(np.median(scored.scores[spell & window])),
        deviations=_deviations(course, scored, spell & window),
        reference_days=days,
        resting=resting,
    )


def _resting(
    found: Mapping[str, Samples], course: Course, newest: datetime
) -> tuple[tuple[str, datetime], ...]:
    """Signals of the running machine that have stopped moving."""
    recent = course.between(newest - timedelta(hours=1), newest)
    if not course.running[recent].any():
        return ()
    resting = []
    for signal in course.signals:
        seconds, values = to_arrays(found[signal.id])
        late = seconds >= (newest - _REST_OBSERVED).timestamp()
        since = resting_since(seconds[late], values[late])
        if since is not None:
            resting.append((signal.name, to_time(since)))
    return tuple(resting)


def _score(course: Course, learnt: Flags) -> Residuals:
    """Every complete running row against what is usual for its product; the others are NaN."""
    shape = course.rows.shape
    scored = Residuals(
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.full(shape[0], np.nan),
        np.zeros(shape[0], dtype=np.bool_),
    )
    complete = course.running & np.isfinite(course.rows).all(axis=1)
    for product in np.unique(course.product[complete]):
        rows = complete & (course.product == product)
        reference = course.rows[rows & learnt]
        if len(reference) < LEAST_REFERENCE:
            continue
        residuals = Behaviour.fit(reference, course.operating).compare(course.rows[rows])
        scored.units[rows] = residuals.units
        scored.sigmas[rows] = residuals.sigmas
        scored.shares[rows] = residuals.shares
        scored.scores[rows] = residuals.scores
        scored.unseen[rows] = residuals.unseen
    return scored


def _last_spell(course: Course, scored: Residuals, window: Flags) -> Flags | None:
    """The rows of the last abnormal spell that reaches into the period.

    It begins where the score stays above FACTOR for LEAST_ROWS rows and ends where it stays below
    HYSTERESIS of that for as long; time in which the machine stands still counts for neither. At
    least one signal must be LEAST_SIGMAS away from usual in it.
    """
    rated = np.flatnonzero(np.isfinite(scored.scores))
    spells: list[tuple[int, int]] = []
    above = below = 0
    begin: int | None = None
    for place, score in enumerate(scored.scores[rated].tolist()):
        above = above + 1 if score >= FACTOR else 0
        below = below + 1 if score < FACTOR * HYSTERESIS else 0
        if begin is None and above >= LEAST_ROWS:
            begin = place - LEAST_ROWS + 1
        elif begin is not None and below >= LEAST_ROWS:
            spells.append((begin, place - LEAST_ROWS + 1))
            begin = None
    if begin is not None:
        spells.append((begin, len(rated)))
    for first, stop in reversed(spells):
        rows = np.zeros(len(course.seconds), dtype=np.bool_)
        rows[rated[first:stop]] = True
        inside = rows & window
        if inside.any() and _largest(scored.sigmas[inside]) >= LEAST_SIGMAS:
            return rows
    return None


def _largest(sigmas: Floats) -> float:
    return float(np.abs(np.median(sigmas, axis=0)).max())


def _deviations(course: Course, scored: Residuals, rows: Flags) -> tuple[Deviation, ...]:
    levels, units, sigmas, shares = (
        np.median(table[rows], axis=0)
        for table in (course.rows, scored.units, scored.sigmas, scored.shares)
    )
    deviations = [
        Deviation(signal, float(levels[i]), float(units[i]), float(sigmas[i]), float(shares[i]))
        for i, signal in enumerate(course.signals)
    ]
    return tuple(sorted(deviations, key=lambda deviation: -abs(deviation.sigmas)))
