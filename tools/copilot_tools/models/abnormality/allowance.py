"""False alarms under control: how high a score must be, by what healthy running itself reached."""

import numpy as np

from copilot_tools.timeseries import Floats

ALLOWED = 0.001  # the share of healthy running that may be called abnormal
_LEAST = 500


def alarm_factor(
    shadow: Floats, default: float, *, allowed: float = ALLOWED, most: float = np.inf
) -> float:
    """The larger of the default and the quantile of the scores of a shadow run, at most `most`.

    A shadow run scores healthy running without alarming. NaN scores do not count; below 500 scores
    nothing can be said, and the default stays.
    """
    scores = shadow[np.isfinite(shadow)]
    if len(scores) < _LEAST:
        return default
    return float(min(max(default, np.quantile(scores, 1 - allowed)), most))


def alarm_factors(shadow: Floats, default: float, *, allowed: float = ALLOWED) -> Floats:
    """The factor of each machine, from the scores of a shadow run of all (ticks x machines)."""
    return np.array([alarm_factor(column, default, allowed=allowed) for column in shadow.T])
