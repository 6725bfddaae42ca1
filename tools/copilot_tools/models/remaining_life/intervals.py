"""What a prediction of some cycles turned out to be: cross-conformal quantiles of the error.

The errors are those of units that the ensemble had not seen (out of fold), weighted by how near
their prediction was to the one at hand, each unit counting the same: the band is wide far from the
end and narrow near it (Vovk 2015, Ann. Math. Artif. Intell. 74, for cross-conformal prediction).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from copilot_tools.timeseries import Floats

LEVELS = np.array([0.01, 0.025, *np.arange(0.05, 0.951, 0.05), 0.975, 0.99])
LOW, HIGH = 0.1, 0.9
_KERNEL = 7.0
_STEP = 2.5
_WARM_UP = 25


@dataclass(frozen=True, slots=True)
class Intervals:
    """Quantiles of true cycles left (columns, at LEVELS) by predicted cycles (rows of `grid`)."""

    grid: Floats
    quantiles: Floats
    cap: float

    @classmethod
    def fit(
        cls,
        predicted: Sequence[Floats],
        actual: Sequence[Floats],
        cap: float,
        scale: float = 1.0,
    ) -> "Intervals":
        """Learn from out-of-fold courses, one a unit; `actual` is NaN where nobody knows it.

        `scale` is how large the errors to expect are against those of these courses.
        """
        weights, given, errors = [], [], []
        for guess, truth in zip(predicted, actual, strict=True):
            used = np.flatnonzero(np.isfinite(truth))
            used = used[used >= min(_WARM_UP, len(truth) // 2)]
            if len(used):
                weights.append(np.full(len(used), 1 / len(used)))
                given.append(guess[used])
                errors.append(scale * (np.minimum(truth[used], cap) - guess[used]))
        grid = np.arange(0.0, cap + _STEP / 2, _STEP)
        near = _Errors(np.concatenate(weights), np.concatenate(given), np.concatenate(errors))
        quantiles = np.array([point + near.quantiles(point) for point in grid.tolist()])
        return cls(grid, np.clip(quantiles, 0, cap), cap)

    def around(self, predicted: float) -> Floats:
        """The quantiles of cycles left at LEVELS, none beyond the cap."""
        columns = [np.interp(predicted, self.grid, column) for column in self.quantiles.T]
        return np.maximum.accumulate(np.array(columns))

    def band(self, predicted: Floats) -> tuple[Floats, Floats]:
        """The ends of the 80 % interval of each prediction, which it always holds."""
        low, high = (self.quantile(predicted, level) for level in (LOW, HIGH))
        return np.minimum(low, predicted), np.maximum(high, predicted)

    def quantile(self, predicted: Floats, level: float) -> Floats:
        """What each unit has left at most, with a probability that is one of LEVELS."""
        column = self.quantiles[:, LEVELS.searchsorted(level - 1e-9)]
        return np.asarray(np.interp(predicted, self.grid, column), dtype=np.float64)

    def to_state(self) -> dict[str, Any]:
        """Plain arrays."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Intervals":
        """What `to_state` gave."""
        return cls(**state)


@dataclass(frozen=True, slots=True)
class _Errors:
    """Out-of-fold errors, sorted, with the predictions they belong to."""

    weights: Floats
    given: Floats
    errors: Floats

    def quantiles(self, point: float) -> Floats:
        """Of the errors of predictions near `point`, at LEVELS."""
        order = np.argsort(self.errors)
        nearness = np.exp(-0.5 * ((self.given[order] - point) / _KERNEL) ** 2)
        sums = np.cumsum(self.weights[order] * (nearness + 1e-9))
        return np.asarray(np.interp(LEVELS * sums[-1], sums, self.errors[order]), dtype=np.float64)
