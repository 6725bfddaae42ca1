"""False alarms under control: how high a score must be, by what healthy running itself reached."""

from collections.abc import Sequence

import numpy as np

from copilot_tools.timeseries import Floats

ALLOWED = 0.001  # the share of healthy running that may be called abnormal
ROOM = 1.2  # above what a machine reaches on a usual day
MOST = 2.0
_LEAST = 500
_LEAST_DAYS = 5


def alarm_factor(shadow: Floats, default: float, *, allowed: float = ALLOWED) -> float:
    """The larger of the default and the quantile of the scores of a shadow run.

    A shadow run scores healthy running without alarming. NaN scores do not count; below 500 scores
    nothing can be said, and the default stays.
    """
    scores = shadow[np.isfinite(shadow)]
    if len(scores) < _LEAST:
        return default
    return float(max(default, np.quantile(scores, 1 - allowed)))


def alarm_factors(shadow: Floats, default: float, *, allowed: float = ALLOWED) -> Floats:
    """The factor of each machine, from the scores of a shadow run of all (ticks x machines)."""
    return np.array([alarm_factor(column, default, allowed=allowed) for column in shadow.T])


def restless_factor(days: Sequence[Floats], default: float, least: int) -> float:
    """The larger of the default and 1.2 times what a machine keeps up on a usual day.

    For a history in which old faults lie unmarked: of each day counts the highest score that was
    held for `least` rows, and of those the median, so that faults on the fewer days raise nothing.
    It is at most twice the default: more room would be blindness.
    """
    peaks = [peak for day in days if (peak := _held(day[np.isfinite(day)], least)) is not None]
    if len(peaks) < _LEAST_DAYS:
        return default
    return min(max(default, ROOM * float(np.median(peaks))), MOST * default)


def _held(scores: Floats, least: int) -> float | None:
    if len(scores) < least:
        return None
    runs = np.lib.stride_tricks.sliding_window_view(scores, least)
    return float(runs.min(axis=1).max())
