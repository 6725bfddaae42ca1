"""False alarms under control: how high a score must be, by what healthy running itself reached."""

from collections.abc import Sequence

import numpy as np

from copilot_tools.timeseries import Floats

ROOM = 1.2  # above what a machine reaches on a usual day
MOST = 2.0
_LEAST_DAYS = 5


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
