"""How well cycles left were told: on units with one answer each, and along whole lives.

RMSE is in cycles. PHM08 is the score of the PHM 2008 challenge (Saxena et al. 2008): a sum over
units in which late answers weigh more than early ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copilot_tools.timeseries import Flags, Floats

CAP = 125.0
ALARM = 30.0
ALARM_CHANCE = 0.4
"""An end that nobody told costs more than an early look: alarms do not wait for even odds."""
_RESAMPLES = 2000
_FIRST, _FAR = 25, 150


def rmse(predicted: Floats, actual: Floats) -> float:
    """The root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def phm08(predicted: Floats, actual: Floats) -> float:
    """The PHM08 score."""
    late = predicted - actual
    return float(np.where(late < 0, np.expm1(-late / 13), np.expm1(late / 10)).sum())


def bootstrap(predicted: Floats, actual: Floats, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the RMSE over resampled units."""
    chosen = np.random.default_rng(seed).integers(0, len(actual), (_RESAMPLES, len(actual)))
    squares = ((predicted - actual) ** 2)[chosen].mean(axis=1)
    low, high = np.sqrt(np.quantile(squares, (0.025, 0.975))).tolist()
    return low, high


def covered(low: Floats, high: Floats, actual: Floats) -> Flags:
    """Whether the interval held the truth; in whole cycles, so that half a one is allowed above."""
    return np.asarray((low <= actual) & (actual <= high + 0.5), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Share of alarms "30 cycles or fewer" that were right, and of the ends near that they told."""

    precision: float
    recall: float

    @classmethod
    def of(cls, predicted: Floats, actual: Floats, weights: Floats | None = None) -> "Alarm":
        """NaN where nothing was told, or nothing was near its end."""
        weights = np.ones(len(actual)) if weights is None else weights
        told, near = predicted <= ALARM, actual <= ALARM
        right = float(weights[told & near].sum())
        return cls(_share(right, float(weights[told].sum())), _share(right, weights[near].sum()))


@dataclass(frozen=True, slots=True)
class Cuts:
    """Every cut of whole lives after 25 cycles and at most 150 before the end; units weigh alike.

    This is the expectation over a random cut of each unit, which is what test files are made by.
    """

    places: tuple[NDArray[np.intp], ...]
    weights: Floats
    actual: Floats

    @classmethod
    def of(cls, lengths: Sequence[int]) -> "Cuts":
        """The cuts of lives of so many cycles; units that are too short have none."""
        places, weights, actual = [], [], []
        for length in lengths:
            left = np.arange(length - 1, -1, -1, dtype=np.float64)
            used = np.flatnonzero((np.arange(1, length + 1) >= _FIRST) & (left <= _FAR))
            places.append(used)
            weights.append(np.full(len(used), 1 / max(len(used), 1)))
            actual.append(left[used])
        return cls(tuple(places), np.concatenate(weights), np.concatenate(actual))

    def of_courses(self, courses: Sequence[Floats]) -> Floats:
        """What courses, one a unit, say at the cuts."""
        pairs = zip(courses, self.places, strict=True)
        return np.concatenate([course[places] for course, places in pairs])

    def rmse(self, predicted: Floats) -> float:
        """Against cycles left up to the cap."""
        squares = (predicted - np.minimum(self.actual, CAP)) ** 2
        return float(np.sqrt(np.average(squares, weights=self.weights)))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
