"""A machine's course against its own history: scores, the spells in which it stood out, drift."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from copilot_tools.course import Course
from copilot_tools.models.abnormality.allowance import restless_factor
from copilot_tools.models.abnormality.drift import signal_drifts
from copilot_tools.models.abnormality.episodes import Rule, find_spells
from copilot_tools.models.behaviour import Behaviour, Residuals
from copilot_tools.site.model import Signal
from copilot_tools.timeseries import Flags, Floats

FACTOR = 1.5
LEAST_ROWS = 3
LEAST_SIGMAS = 4.5
LEAST_REFERENCE = 150
_DAY_S = 86400.0
_WEEK_S = 7 * _DAY_S


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
class Drifted:
    """A signal whose level at the same operating point moved by `shift` (its unit) of late.

    The newest week of the reference stands against the weeks before it.
    """

    signal: Signal
    shift: float


def score_course(course: Course, learnt: Flags, fits: Mapping[int, Behaviour]) -> Residuals:
    """Every complete running row against what is usual for its product; the others are NaN.

    A product that has none of the `fits` is learnt from its own rows among those `learnt`.
    """
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
        fit = fits.get(int(product)) or _fit(course, rows & learnt)
        if fit is None:
            continue
        residuals = fit.compare(course.rows[rows])
        scored.units[rows] = residuals.units
        scored.sigmas[rows] = residuals.sigmas
        scored.shares[rows] = residuals.shares
        scored.scores[rows] = residuals.scores
        scored.unseen[rows] = residuals.unseen
    return scored


def _fit(course: Course, rows: Flags) -> Behaviour | None:
    """What is usual by some rows; None where they are too few."""
    reference = course.rows[rows]
    if len(reference) < LEAST_REFERENCE:
        return None
    return Behaviour.fit(reference, course.operating)


def machine_factor(course: Course, scored: Residuals, learnt: Flags) -> float:
    """From which score the machine is abnormal: one that is restless by nature gets more room."""
    seconds, scores = course.seconds[learnt], scored.scores[learnt]
    day = ((seconds - seconds[:1]) // _DAY_S).astype(np.intp)
    days = np.split(scores, np.flatnonzero(np.diff(day)) + 1)
    return restless_factor(days, FACTOR, LEAST_ROWS)


def find_abnormal(course: Course, scored: Residuals, window: Flags, factor: float) -> list[Flags]:
    """The rows of each abnormal spell that reaches into the period, oldest first.

    Time in which the machine stands still counts for neither begin nor end. At least one signal
    must be LEAST_SIGMAS away from usual in it.
    """
    rated = np.flatnonzero(np.isfinite(scored.scores))
    rule = Rule(factor=factor, least=LEAST_ROWS)
    found = []
    for first, stop in find_spells(scored.scores[rated], rule):
        rows = np.zeros(len(course.seconds), dtype=np.bool_)
        rows[rated[first:stop]] = True
        inside = rows & window
        if inside.any() and _largest(scored.sigmas[inside]) >= LEAST_SIGMAS:
            found.append(rows)
    return found


def list_deviations(course: Course, scored: Residuals, rows: Flags) -> tuple[Deviation, ...]:
    """How each signal stood at the median of some rows, the furthest from usual first."""
    levels, units, sigmas, shares = (
        np.median(table[rows], axis=0)
        for table in (course.rows, scored.units, scored.sigmas, scored.shares)
    )
    deviations = [
        Deviation(signal, float(levels[i]), float(units[i]), float(sigmas[i]), float(shares[i]))
        for i, signal in enumerate(course.signals)
    ]
    return tuple(sorted(deviations, key=lambda deviation: -abs(deviation.sigmas)))


def find_drift(course: Course, scored: Residuals, learnt: Flags) -> tuple[Drifted, ...]:
    """The signals that drifted within the reference: what is usual may be out of date for them."""
    judged = learnt & np.isfinite(scored.scores) & ~scored.unseen
    if not judged.any():
        return ()
    late = course.seconds >= course.seconds[judged][-1] - _WEEK_S
    before, after = scored.units[judged & ~late], scored.units[judged & late]
    return tuple(
        Drifted(course.signals[drift.column], drift.shift)
        for drift in signal_drifts(before, after)
        if drift.drifted
    )


def _largest(sigmas: Floats) -> float:
    return float(np.abs(np.median(sigmas, axis=0)).max())
