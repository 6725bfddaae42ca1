"""What is usual for one machine in one regime, learnt from rows of its healthy running.

The distance is the geometric mean of members that see the same signals differently: principal
components (Hotelling's T2 and the residual Q), two Mahalanobis distances with the shrunk
covariance of Ledoit and Wolf, one of them blind to slow thermal drift, and, where asked for, the
nearest neighbours. Each is divided by its 99 % quantile on the reference, so a score of 1 is the
limit of usual behaviour. All smoothing looks only back. Time is in ticks: the spacing of the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from copilot_tools.models.abnormality.distance import ledoit_wolf
from copilot_tools.models.abnormality.members import member_distances, member_inputs, mix
from copilot_tools.models.abnormality.neighbours import Neighbours
from copilot_tools.models.abnormality.smoothing import smooth
from copilot_tools.timeseries import Floats

WARM_UP = 30
LEAST_ROWS = 120
CLIP = 1e3

_VARIANCE = 0.9
_SLOW_SHARE = 0.35
_BLOCK = 20
_LEAST_SCALE = 1e-3
_LEAST_SPREAD = 0.05
_LEAST_VARIANCE = 1e-4
_LEAST_LIMIT = 1e-9


@dataclass(frozen=True, slots=True)
class Baseline:
    """A fitted regime: W signals, M members of the form max(sum of first, sum of other squares).

    `usual_shift` (W) is how much the short mean scatters, in `scale`. `slow` marks signals that
    drift; `longest_rest` is for how many ticks a signal kept its value at most. `offsets` (M x W)
    and `whitening` (M x W x W) turn smoothed inputs into coordinates of which `first` (M x W) are
    one sum (see `members`).
    """

    centre: Floats
    scale: Floats
    usual_shift: Floats
    slow: Floats
    longest_rest: Floats
    offsets: Floats
    whitening: Floats
    first: Floats
    neighbours: Neighbours | None = None

    @classmethod
    def fit(cls, rows: Floats, *, neighbours: bool = False) -> "Baseline | None":
        """Learn from rows at even spacing, NaN where a value is missing.

        None when fewer than 120 rows after the warm-up have all values, or a signal has none.
        """
        if len(rows) < WARM_UP + LEAST_ROWS or np.isnan(rows).all(axis=0).any():
            return None
        centre = np.nanmedian(rows, axis=0)
        scale = np.maximum(np.nanstd(rows, axis=0), _LEAST_SCALE * np.abs(centre))
        scale = np.where(scale > 0, scale, 1.0)
        deviations = np.clip((rows - centre) / scale, -CLIP, CLIP)
        slow = _is_slow(deviations)
        inputs = member_inputs(smooth(deviations), slow[:, None])
        settled = (np.arange(len(rows)) >= WARM_UP) & np.isfinite(rows).all(axis=1)
        if settled.sum() < LEAST_ROWS:
            return None
        short, passed, long = np.moveaxis(inputs[:, :, settled], 2, 1)
        members = (_principal(short), _whole(passed), _whole(long))
        near = _quick(short / _spread(short), slow)
        return cls(
            centre=centre,
            scale=scale,
            usual_shift=_spread(short),
            slow=slow,
            longest_rest=np.array([_longest_rest(column) for column in rows.T]),
            offsets=np.stack([member[0] for member in members]),
            whitening=np.stack([member[1] for member in members]),
            first=np.stack([member[2] for member in members]),
            neighbours=Neighbours.fit(near) if neighbours else None,
        )

    def scores(self, rows: Floats) -> Floats:
        """The score of each row, in their order; NaN in the warm-up."""
        scores = mix(self.distances(rows))
        scores[:WARM_UP] = np.nan
        return scores

    def distances(self, rows: Floats) -> Floats:
        """The distance by each member (members x rows); a missing value holds its mean."""
        means = smooth(np.clip((rows - self.centre) / self.scale, -CLIP, CLIP))
        deviations = member_inputs(means, self.slow[:, None]) - self.offsets[..., None]
        distances = member_distances(deviations, self.whitening[..., None], self.first[..., None])
        if self.neighbours is None:
            return distances
        near = _quick(means[0].T / self.usual_shift, self.slow)
        return np.vstack([distances, self.neighbours.distances(near)])

    def to_state(self) -> dict[str, Any]:
        """The fit as plain arrays."""
        state = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "neighbours"}
        if self.neighbours is not None:
            state |= {"known": self.neighbours.known, "known_limit": self.neighbours.limit}
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Baseline":
        """The fit that `to_state` gave."""
        own = {f.name: state[f.name] for f in fields(cls) if f.name != "neighbours"}
        near = Neighbours(state["known"], float(state["known_limit"])) if "known" in state else None
        return cls(**own, neighbours=near)


def _principal(inputs: Floats) -> tuple[Floats, Floats, Floats]:
    """T2 over the components that hold 90 % of the variance, and Q over the others."""
    offset, spread = inputs.mean(axis=0), _spread(inputs)
    deviations = inputs - offset
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(deviations.T / spread[:, None])))
    variances, axes = np.maximum(variances[::-1], _LEAST_VARIANCE), axes[:, ::-1]
    held = np.cumsum(variances) / variances.sum()
    first = np.arange(len(variances)) <= np.searchsorted(held, _VARIANCE)
    whitening = axes.T / spread / np.where(first, np.sqrt(variances), 1.0)[:, None]
    for part in (first, ~first):
        squares = ((deviations @ whitening[part].T) ** 2).sum(axis=1)
        whitening[part] /= _limit(squares) ** 0.5
    return _scaled(inputs, offset, whitening, first.astype(np.float64))


def _whole(inputs: Floats) -> tuple[Floats, Floats, Floats]:
    """The Mahalanobis distance, as the squared length of whitened coordinates."""
    covariance = ledoit_wolf(inputs) + _LEAST_VARIANCE * np.eye(inputs.shape[1])
    whitening = np.linalg.cholesky(np.linalg.inv(covariance)).T
    return _scaled(inputs, inputs.mean(axis=0), whitening, np.ones(inputs.shape[1]))


def _scaled(
    inputs: Floats, offset: Floats, whitening: Floats, first: Floats
) -> tuple[Floats, Floats, Floats]:
    """A member whose distance has its 99 % quantile on the reference at 1."""
    deviations = (inputs - offset).T[None]
    distances = member_distances(deviations, whitening[None, ..., None], first[None, :, None])
    return offset, whitening / _limit(distances) ** 0.5, first


def _limit(distances: Floats) -> float:
    return max(float(np.quantile(distances, 0.99)), _LEAST_LIMIT)


def _spread(rows: Floats) -> Floats:
    return np.asarray(np.maximum(rows.std(axis=0), _LEAST_SPREAD), dtype=np.float64)


def _quick(rows: Floats, slow: Floats) -> Floats:
    """Only the signals that are not slow, where there are such."""
    return rows if slow.all() else rows[:, slow == 0]


def _is_slow(deviations: Floats) -> Floats:
    """1 where over 35 % of the variance lies in the means of 20 ticks: thermal, not mechanical."""
    known = np.nan_to_num(deviations)
    whole = len(known) // _BLOCK * _BLOCK
    blocks = known[:whole].reshape(-1, _BLOCK, known.shape[1]).mean(axis=1)
    drifts = blocks.var(axis=0) > _SLOW_SHARE * known.var(axis=0)
    return np.asarray(drifts, dtype=np.float64)


def _longest_rest(column: Floats) -> float:
    good = column[np.isfinite(column)]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(good) != 0) + 1, [len(good)]))
    return float(np.diff(starts).max())
