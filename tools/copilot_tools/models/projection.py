"""How long until a wear signal reaches its limit: a robust straight line with a bootstrap interval.

The line is Theil's and Sen's; its scatter is resampled in blocks of a day, because neighbouring
medians are alike (moving-block bootstrap, Kunsch 1989).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from copilot_tools.timeseries import Floats, robust_sd, theil_sen

RESAMPLES = 200
COVERAGE = 0.8
LEAST_POINTS = 20
_JUMP = 0.4


@dataclass(frozen=True, slots=True)
class Trend:
    """The present level and its change per day, and the days left with their interval.

    `days` is None when the signal does not clearly move towards the limit.
    """

    level: float
    per_day: float
    days: float | None
    low: float | None
    high: float | None


def project(days: Floats, values: Floats, limit: float, rising: bool) -> Trend:
    """The trend of values over `days` (the last one is now) and when it meets `limit`."""
    good = np.isfinite(values)
    days, values = days[good], values[good]
    slope = theil_sen(days, values)
    line = np.median(values - slope * days)
    level = float(line + slope * days[-1])
    residuals = values - (line + slope * days)
    block = max(int(np.ceil(1.0 / np.median(np.diff(days)))), 1)
    slopes = _resampled_slopes(days, slope, residuals, block)
    sign = 1.0 if rising else -1.0
    towards = np.quantile(sign * slopes, [(1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2])
    gap = sign * (limit - level)
    if gap <= 0:
        return Trend(level, slope, 0.0, 0.0, 0.0)
    if towards[0] <= 0 or sign * slope <= 0:
        return Trend(level, slope, None, None, None)
    spread = robust_sd(residuals)
    low = max(gap - spread, 0.0) / towards[2]
    high = (gap + spread) / towards[0]
    return Trend(level, slope, gap / (sign * slope), float(low), float(high))


def last_renewal(days: Floats, values: Floats, limit: float, rising: bool) -> float | None:
    """When the signal last jumped back from its limit, as a repair makes it; None if it never did.

    A jump is a step between the medians of neighbouring days of at least 40 % of the way from the
    healthiest level to the limit.
    """
    sign = 1.0 if rising else -1.0
    worn = sign * values
    if not np.isfinite(worn).any():
        return None
    span = sign * limit - float(np.nanquantile(worn, 0.05))
    if span <= 0:
        return None
    whole = np.floor(days)
    medians = [(day, np.nanmedian(worn[whole == day])) for day in np.unique(whole[~np.isnan(worn)])]
    renewals = [
        later for (_, before), (later, after) in pairwise(medians) if before - after > _JUMP * span
    ]
    return float(renewals[-1]) if renewals else None


def _resampled_slopes(days: Floats, slope: float, residuals: Floats, block: int) -> Floats:
    random = np.random.default_rng(0)
    count = len(residuals)
    starts = max(count - block, 1)
    pieces = int(np.ceil(count / block))
    slopes = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        chosen = random.integers(0, starts, pieces)
        noise = np.concatenate([residuals[c : c + block] for c in chosen])[:count]
        slopes[i] = slope + _least_squares_slope(days[: len(noise)], noise)
    return slopes


def _least_squares_slope(x: Floats, y: Floats) -> float:
    centred = x - x.mean()
    return float((centred * (y - y.mean())).sum() / (centred**2).sum())
