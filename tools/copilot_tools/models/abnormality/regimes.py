"""The regimes a machine runs in, told from its operating point, and whether it is in one of them.

K-means on the standardised setting signals (speed, load, recipe values); the number is the smallest
that explains 95 % of their scatter. A machine whose settings move without steps has one regime.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copilot_tools.models.abnormality.model_arrays import UNSEEN
from copilot_tools.timeseries import Floats

_MOST = 6
_EXPLAINED = 0.95
_QUANTILE = 0.999
_ROOM = 2.0
_LEAST_SCALE = 1e-2
_LEAST_REACH = 1.0
_MOST_ROWS = 5000


@dataclass(frozen=True, slots=True)
class Regimes:
    """The centres (R x S, standardised) and how far from each its rows reached."""

    offset: Floats
    scale: Floats
    centres: Floats
    reach: Floats

    @classmethod
    def fit(cls, settings: Floats, seed: int = 0) -> "Regimes | None":
        """Learn from rows (T x S) of setting signals; None without a complete row."""
        rows = settings[np.isfinite(settings).all(axis=1)]
        if not rows.size:
            return None
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_ROWS)).astype(np.intp)]
        offset = np.median(rows, axis=0)
        scale = np.maximum(rows.std(axis=0), _LEAST_SCALE * np.abs(offset))
        scale = np.where(scale > 0, scale, 1.0)
        standard = (rows - offset) / scale
        centres = _centres(standard, seed)
        distances = _distances(standard, centres)
        nearest = distances.argmin(axis=1)
        spread = float(np.quantile(distances.min(axis=1), _QUANTILE))
        reach = [
            np.quantile(distances[nearest == r, r], _QUANTILE) if (nearest == r).any() else spread
            for r in range(len(centres))
        ]
        least = _LEAST_REACH / len(centres)
        return cls(offset, scale, centres, np.maximum(_ROOM * np.array(reach), least))

    def assign(self, settings: Floats) -> NDArray[np.intp]:
        """The regime of each row, UNSEEN where it is far from all of them or a value is missing."""
        known = np.asarray(np.isfinite(settings).all(axis=1), dtype=np.bool_)
        rows = (np.where(known[:, None], settings, self.offset) - self.offset) / self.scale
        distances = _distances(rows, self.centres)
        nearest = distances.argmin(axis=1)
        near = distances[np.arange(len(rows)), nearest] <= self.reach[nearest]
        return np.asarray(np.where(known & near, nearest, UNSEEN), dtype=np.intp)

    def to_state(self) -> dict[str, Any]:
        """The fit as plain arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Regimes":
        """The fit that `to_state` gave."""
        return cls(**{f.name: state[f.name] for f in fields(cls)})


def _centres(rows: Floats, seed: int) -> Floats:
    """The centres of as few clusters as explain the rows; their mean where none do."""
    mean = np.asarray(rows.mean(axis=0, keepdims=True), dtype=np.float64)
    whole = float(((rows - mean) ** 2).sum())
    if whole <= len(rows) * _LEAST_SCALE**2:
        return mean
    from sklearn.cluster import KMeans

    for count in range(2, min(_MOST, len(np.unique(rows, axis=0))) + 1):
        found = KMeans(count, n_init=3, random_state=seed).fit(rows)
        if found.inertia_ <= (1 - _EXPLAINED) * whole:
            return np.asarray(found.cluster_centers_, dtype=np.float64)
    return mean


def _distances(rows: Floats, centres: Floats) -> Floats:
    squares = ((rows[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(np.sqrt(squares), dtype=np.float64)
