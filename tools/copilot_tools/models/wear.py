"""Where a wear signal is heading: level until wear sets in, then a rise that may gather speed.

The course is a constant plus `amount * (time since onset) ** power`, with the onset, power (1 to 3)
and amounts of the least sum of absolute residuals. The uncertainty comes from refitting it to
resampled residuals, so that it holds the doubt about onset and power too, and is never less than a
quarter of the time left: wear may change its course.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from copilot_tools.timeseries import Floats, robust_sd

CONFIDENCE = 0.8
_RESAMPLES = 300
_POWERS = (1.0, 1.5, 2.0, 3.0)
_ONSETS = 40
_LEAST_RISE = 3.0
_LEAST_DOUBT = 0.25
_LEAST_DOUBT_DAYS = 0.5
_SEED = 7


@dataclass(frozen=True, slots=True)
class Trend:
    """The fitted course; times in days, `rate` in units a day at the end, signed.

    `days` until the threshold, of which `low` and `high` are the 80 % interval; infinite when it
    may never come. `significant` means that the rise cannot well be scatter.
    """

    level: float
    rate: float
    onset: float
    days: float
    low: float
    high: float
    significant: bool


def fit_wear(days: Floats, values: Floats, threshold: float, *, rising: bool) -> Trend:
    """The trend of daily medians towards `threshold`; the time counts from the last day."""
    sign = 1.0 if rising else -1.0
    goal = sign * threshold
    shapes = _shapes(days)
    best = _fit(sign * values[:, None], days, shapes)
    fitted = best.course(days)[:, 0]
    residuals = sign * values - fitted
    random = np.random.default_rng(_SEED)
    resampled = fitted[:, None] + random.choice(residuals, (len(days), _RESAMPLES))
    many = _fit(resampled, days, shapes)
    left = many.days_until(goal, days[-1])
    estimate = float(best.days_until(goal, days[-1])[0])
    least = max(_LEAST_DOUBT * estimate, _LEAST_DOUBT_DAYS)
    tail = (1 - CONFIDENCE) / 2
    rise = float(fitted[-1] - fitted[0])
    return Trend(
        level=sign * float(fitted[-1]),
        rate=sign * float(best.slope(days[-1])[0]),
        onset=float(best.onset[0]),
        days=estimate,
        low=max(min(float(np.quantile(left, tail, method="lower")), estimate - least), 0.0),
        high=max(float(np.quantile(left, 1 - tail, method="higher")), estimate + least),
        significant=bool(
            np.quantile(many.amount, tail / 2) > 0 and rise > _LEAST_RISE * robust_sd(residuals)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    """One onset and power to try, with the basis they make and its pseudo-inverse."""

    onset: float
    power: float
    basis: Floats
    solver: Floats


@dataclass(frozen=True, slots=True)
class _Courses:
    """Fitted courses, one an element."""

    base: Floats
    amount: Floats
    onset: Floats
    power: Floats

    def course(self, days: Floats) -> Floats:
        """Their values, days by courses."""
        passed = np.maximum(days[:, None] - self.onset, 0)
        return np.asarray(self.base + self.amount * passed**self.power, dtype=np.float64)

    def slope(self, day: float) -> Floats:
        """Their rise a day at a day."""
        passed = np.maximum(day - self.onset, 1e-9)
        return np.asarray(self.amount * self.power * passed ** (self.power - 1), dtype=np.float64)

    def days_until(self, goal: float, day: float) -> Floats:
        """How long after `day` each reaches the goal: 0 when it has, infinite for never."""
        growing = self.amount > 0
        amount = np.where(growing, self.amount, 1.0)
        passed = (np.maximum(goal - self.base, 0) / amount) ** (1 / self.power)
        left = np.maximum(self.onset + passed - day, 0)
        return np.asarray(np.where(growing, left, np.inf), dtype=np.float64)


def _shapes(days: Floats) -> list[_Shape]:
    """Every onset from the first day to four days before the last, with every power."""
    last = max(float(days[-1]) - 4.0, float(days[0]))
    onsets = np.linspace(float(days[0]), last, min(len(days), _ONSETS)).tolist()
    shapes = []
    for onset in onsets:
        for power in _POWERS:
            passed = np.maximum(days - onset, 0)
            basis = np.column_stack([np.ones(len(days)), passed**power])
            solver = np.asarray(np.linalg.pinv(basis), dtype=np.float64)
            shapes.append(_Shape(onset, power, basis, solver))
    return shapes


def _fit(courses: Floats, days: Floats, shapes: Sequence[_Shape]) -> _Courses:
    """The shape with the least absolute residuals for each column of `courses`."""
    least = np.full(courses.shape[1], np.inf)
    found = np.zeros((4, courses.shape[1]))
    for shape in shapes:
        solution = shape.solver @ courses
        loss = np.abs(courses - shape.basis @ solution).sum(axis=0)
        better = loss < least
        least[better] = loss[better]
        found[:2, better] = solution[:, better]
        found[2:, better] = [[shape.onset], [shape.power]]
    return _Courses(*found)
