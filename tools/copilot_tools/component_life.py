"""What can be said of a wearing component's remaining life from its signal and its repairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from copilot_tools.lifetimes import renews
from copilot_tools.models.wear import Trend, fit_wear
from copilot_tools.operation import is_running
from copilot_tools.records import WorkOrder
from copilot_tools.site.model import Component, Signal, Wear
from copilot_tools.sources.protocols import Samples
from copilot_tools.timeseries import Floats, bucket_medians, robust_sd, to_arrays, to_time

HISTORY = timedelta(days=180)
LEAST_DAYS = 5
HORIZON_DAYS = 60.0
_LEAST_HORIZON = 7.0
_DAY = 86400.0

Outlook = Literal["estimate", "reached", "beyond horizon", "no wear", "not enough history"]


@dataclass(frozen=True, slots=True)
class Life:
    """One component's outlook; `days` are the times of the daily medians, in days from now.

    `since` is when it was last made good, if that is known; `newest` the last running sample.
    `past` holds days and medians of the lives before as well.
    """

    component: Component
    signal: Signal
    wear: Wear
    outlook: Outlook
    days: Floats
    medians: Floats
    since: datetime | None
    newest: datetime
    past: tuple[Floats, Floats]
    trend: Trend | None = None
    horizon: float = HORIZON_DAYS


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a machine: its samples by signal id, when it ran, which jobs are done."""

    samples: Mapping[str, Samples]
    motion: Signal | None
    repairs: Sequence[WorkOrder]
    now: datetime


def judge_component(component: Component, wear: Wear, signal: Signal, seen: Evidence) -> Life:
    """The outlook of one component by the medians of its wear signal on the days it ran."""
    days, medians, newest = _daily_medians(signal, seen)
    past = days, medians
    since = _last_reset(component, wear, days, medians, seen)
    if since is not None:
        fresh = days - 0.5 >= (since - seen.now).total_seconds() / _DAY - 0.01
        days, medians = days[fresh], medians[fresh]
    life = Life(component, signal, wear, "not enough history", days, medians, since, newest, past)
    return life if len(days) < LEAST_DAYS else _look_ahead(life)


def _daily_medians(signal: Signal, seen: Evidence) -> tuple[Floats, Floats, datetime]:
    """Times, medians and the newest sample of a signal, of running time only."""
    seconds, values = to_arrays(seen.samples[signal.id])
    if seen.motion is not None:
        moments, motion = to_arrays(seen.samples[seen.motion.id])
        running = np.isin(seconds, moments[is_running(motion, motion)])
        seconds, values = seconds[running], values[running]
    count = int(HISTORY.total_seconds() // _DAY)
    start = seen.now.timestamp() - count * _DAY
    medians = bucket_medians(seconds, values, start, _DAY, count)
    known = np.isfinite(medians)
    newest = to_time(seconds[-1]) if len(seconds) else seen.now - HISTORY
    days = np.arange(count, dtype=np.float64) - count + 0.5
    return days[known], medians[known], newest


def _look_ahead(life: Life) -> Life:
    """The outlook of a component whose history suffices."""
    trend = fit_wear(life.days, life.medians, life.wear.threshold, rising=life.wear.rising)
    horizon = min(HORIZON_DAYS, max(_LEAST_HORIZON, 3 * (life.days[-1] - trend.onset)))
    sign = 1 if life.wear.rising else -1
    outlook: Outlook = "estimate"
    if sign * (life.medians[-1] - life.wear.threshold) >= 0:
        outlook = "reached"
    elif not trend.significant:
        outlook = "no wear"
    elif trend.days > horizon:
        outlook = "beyond horizon"
    return replace(life, outlook=outlook, trend=trend, horizon=float(horizon))


def _last_reset(
    component: Component,
    wear: Wear,
    days: Floats,
    medians: Floats,
    seen: Evidence,
) -> datetime | None:
    """When the component was last made good: by a finished job, or as its signal fell back."""
    finished = [o.finished for o in seen.repairs if o.finished and renews(o, component)]
    fall = _last_fall(wear, days, medians)
    if fall is not None:
        finished.append(seen.now + timedelta(days=fall))
    return max(finished, default=None)


def _last_fall(wear: Wear, days: Floats, medians: Floats) -> float | None:
    """The day from which the signal stays at least a quarter of its way to the limit lower."""
    sign = 1.0 if wear.rising else -1.0
    course = sign * medians
    if len(course) < 4:
        return None
    way = sign * wear.threshold - float(np.quantile(course, 0.1))
    least = max(0.25 * way, 6 * robust_sd(np.diff(course)))
    for i in range(len(course) - 1, 1, -1):
        before = np.median(course[max(i - 3, 0) : i])
        after = np.median(course[i : i + 3])
        if before - after > least and course[i - 1] - course[i] > least / 2:
            return float(days[i] - 0.5)
    return None
