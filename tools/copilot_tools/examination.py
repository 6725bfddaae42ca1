"""Compares how a machine runs with how it usually ran: in which spell it was unlike itself."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from copilot_tools.comparison import (
    FACTOR,
    LEAST_ROWS,
    Deviation,
    Drifted,
    find_abnormal,
    find_drift,
    list_deviations,
    machine_factor,
    score_course,
)
from copilot_tools.course import Course, Making, chart_course, ordered_signals, read_makings
from copilot_tools.errors import Failed
from copilot_tools.learnt_behaviour import LearntBehaviour, learnt_behaviour
from copilot_tools.learnt_life import NotLearnt
from copilot_tools.models.behaviour import Behaviour, Residuals
from copilot_tools.models.registry.manifest import Manifest
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset
from copilot_tools.sources.protocols import Samples
from copilot_tools.timeseries import Flags, resting_since, to_arrays, to_time
from copilot_tools.windows import Period

REFERENCE = timedelta(days=35)
GUARD = timedelta(days=2)
_REST_OBSERVED = timedelta(days=3)

Verdict = Literal["normal", "abnormal", "unknown operating point", "not running", "not enough data"]


@dataclass(frozen=True, slots=True)
class Spell:
    """When the machine was unlike itself; end None: it still is, at the last sample.

    `score` is the median, `peak` the highest; `deviations` come with the largest first.
    """

    begin: datetime
    end: datetime | None
    score: float
    peak: float
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True, slots=True)
class Examination:
    """The verdict on a period; `spells` are those that reach into it, oldest first.

    A score of 1 is the 99 % limit of usual behaviour; from `factor` on it is abnormal. Score and
    deviations are those of the last spell, or of the whole period where there is none. `resting`
    names signals that used to move and have stopped doing so, with the time since when; `drifted`
    those whose usual level moved in the weeks before the period. `model` is the trained model that
    says what is usual; without one that was learnt from those weeks, `on_the_spot` says why where
    there is a model that could not be used.
    """

    asset: Asset
    period: Period
    verdict: Verdict
    newest: datetime
    spells: tuple[Spell, ...] = ()
    course: Course | None = None
    score: float = 0.0
    factor: float = FACTOR
    deviations: tuple[Deviation, ...] = ()
    reference_days: float = 0.0
    resting: tuple[tuple[str, datetime], ...] = ()
    drifted: tuple[Drifted, ...] = ()
    left_out: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    model: Manifest | None = None
    on_the_spot: str = ""

    @property
    def begin(self) -> datetime | None:
        """When the last spell began."""
        return self.spells[-1].begin if self.spells else None

    @property
    def end(self) -> datetime | None:
        """When the last spell ended; None while it goes on, or without one."""
        return self.spells[-1].end if self.spells else None


async def examine(plant: Plant, asset: Asset, period: Period) -> Examination:
    """Judge the running time of a period by the trained model of the machine that is in use.

    Where there is none that fits, what is usual is learnt from up to five weeks of history before
    the period; the two days just before it are not learnt from, so that what has been growing since
    then stands out. Raises Unavailable when the history does not answer, Failed for an asset
    without signals.
    """
    begin = period.start - GUARD - REFERENCE
    signals = ordered_signals(asset)
    if not signals:
        raise Failed(f"{asset.id} {asset.name} has no signals that could be judged.")
    found = await plant.history.read([signal.id for signal in signals], begin, period.end)
    makings, notices = await read_makings(plant, asset)
    learnt = await learnt_behaviour(plant, asset)
    return await asyncio.to_thread(_judge, asset, period, found, makings, notices, learnt)


def _judge(
    asset: Asset,
    period: Period,
    found: Mapping[str, Samples],
    makings: Sequence[Making],
    notices: tuple[str, ...],
    trained: LearntBehaviour | NotLearnt,
) -> Examination:
    begin = period.start - GUARD - REFERENCE
    course, left_out = chart_course(asset, found, begin, period.start, period.end, makings)
    window = course.between(period.start, period.end)
    newest = max((s.times[-1] for s in found.values() if s.times), default=period.start)
    fits, model, why = _usual(course, window, trained)

    def verdict(words: Verdict, **more: Any) -> Examination:
        return Examination(
            asset,
            period,
            words,
            newest,
            course=course,
            left_out=left_out,
            notices=notices,
            model=model,
            on_the_spot=why,
            **more,
        )

    if not course.signals or not np.isfinite(course.rows[window]).any():
        return verdict("not enough data")
    if (course.running & window).sum() < LEAST_ROWS:
        return verdict("not running")
    learnt = course.between(begin, period.start - GUARD)
    scored = score_course(course, learnt, fits)
    seen = window & np.isfinite(scored.scores)
    days = float((course.running & learnt).sum() * course.width / 86400)
    if seen.sum() < LEAST_ROWS:
        return verdict("not enough data", reference_days=days)
    factor = machine_factor(course, scored, learnt)
    known = {
        "factor": factor,
        "reference_days": days,
        "resting": _resting(found, course, newest),
        "drifted": find_drift(course, scored, learnt),
    }
    spells = tuple(
        _tell(course, scored, rows, window)
        for rows in find_abnormal(course, scored, window, factor)
    )
    if spells:
        last = spells[-1]
        return verdict(
            "abnormal", spells=spells, score=last.score, deviations=last.deviations, **known
        )
    return verdict(
        "normal" if scored.unseen[seen].mean() <= 0.5 else "unknown operating point",
        score=float(np.median(scored.scores[seen])),
        deviations=list_deviations(course, scored, seen),
        **known,
    )


def _usual(
    course: Course, window: Flags, trained: LearntBehaviour | NotLearnt
) -> tuple[dict[int, Behaviour], Manifest | None, str]:
    """The trained fits by product, the model they are of, and why (part of) it is of no use."""
    if isinstance(trained, NotLearnt):
        return {}, None, trained.why
    if why := trained.misfit(course):
        return {}, None, why
    names = dict(enumerate(course.products))
    fits = {n: trained.fits[name] for n, name in names.items() if name in trained.fits}
    ran = np.unique(course.product[course.running & window]).tolist()
    new = [names[n] or "time without a product" for n in ran if n not in fits]
    why = f"{trained.manifest.name} never saw {', '.join(new)}" if new else ""
    return fits, trained.manifest if len(new) < max(len(ran), 1) else None, why


def _tell(course: Course, scored: Residuals, rows: Flags, window: Flags) -> Spell:
    """A spell by its rows; how strong it was is told of the part in the period."""
    times = course.seconds[rows]
    ongoing = bool(rows[np.flatnonzero(np.isfinite(scored.scores))[-1]])
    scores = scored.scores[rows & window]
    return Spell(
        begin=to_time(times[0]),
        end=None if ongoing else to_time(times[-1] + course.width),
        score=float(np.median(scores)),
        peak=float(scores.max()),
        deviations=list_deviations(course, scored, rows & window),
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
