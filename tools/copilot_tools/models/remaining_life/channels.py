"""From many sensors to a few channels that tell wear from noise.

The maximum-noise-fraction projection (Green et al. 1988, IEEE TGRS 26; min/max autocorrelation
factors of Switzer) finds the directions in which slow change is largest against the noise from row
to row; it knows nothing of failures. The health index is a ridge regression of what is left.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh

from copilot_tools.models.remaining_life.summaries import ewma
from copilot_tools.timeseries import Floats

_MOST_FACTORS = 4
_HALF_LIFE = 6.0
_WARM_UP = 10
_RIDGE = 10.0
_INDEX_SCALE = 20.0


@dataclass(frozen=True, slots=True)
class Channels:
    """Weights, sensors x channels, and what is added: the factors first, the health index last."""

    weights: Floats
    offset: Floats

    @classmethod
    def fit(cls, histories: Sequence[Floats], targets: Sequence[Floats]) -> "Channels":
        """Learn from normalised sensors; `targets` are cycles left, NaN where not to be learnt."""
        slow = [ewma(rows, _HALF_LIFE) for rows in histories]
        factors = _project(histories, slow)
        smooth, target = np.concatenate(slow), np.concatenate(targets)
        known = np.isfinite(target)
        index, offset = _ridge(smooth[known], target[known])
        weights = np.column_stack([factors, index / _INDEX_SCALE])
        offsets = np.zeros(weights.shape[1])
        offsets[-1] = offset / _INDEX_SCALE
        return cls(weights, offsets)

    def apply(self, rows: Floats) -> Floats:
        """The channels of normalised sensors."""
        return rows @ self.weights + self.offset

    def to_state(self) -> dict[str, Any]:
        """Plain arrays and numbers."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Channels":
        """What `to_state` gave."""
        return cls(**state)


def _project(histories: Sequence[Floats], slow: Sequence[Floats]) -> Floats:
    """Directions of unit noise, the one of most slow change first, up to four.

    A direction whose slow change is less than its noise tells nothing and is left out.
    """
    settled = np.concatenate([rows[_WARM_UP:] for rows in slow])
    steps = np.concatenate([np.diff(rows, axis=0) for rows in histories])
    noise = steps.T @ steps / (2 * max(len(steps), 1))
    width = len(noise)
    noise += np.eye(width) * (1e-3 * np.trace(noise) / width + 1e-9)
    signal = np.cov(settled, rowvar=False).reshape(width, width)
    ratios, vectors = eigh(signal, noise)
    count = int(np.clip((ratios > 1).sum(), 1, _MOST_FACTORS))
    factors = np.asarray(vectors[:, ::-1][:, :count], dtype=np.float64)
    largest = factors[np.abs(factors).argmax(axis=0), np.arange(factors.shape[1])]
    return np.asarray(factors * np.sign(largest), dtype=np.float64)


def _ridge(rows: Floats, target: Floats) -> tuple[Floats, float]:
    centre, middle = rows.mean(axis=0), float(target.mean())
    centred = rows - centre
    normal = centred.T @ centred + _RIDGE * np.eye(rows.shape[1])
    weights = np.linalg.solve(normal, centred.T @ (target - middle))
    return np.asarray(weights, dtype=np.float64), middle - float(centre @ weights)
