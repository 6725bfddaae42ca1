"""Whether what a model learnt from is still what it sees: the drift of its signals."""

from dataclasses import dataclass

import numpy as np

from copilot_tools.timeseries import Floats, robust_sd

STABILITY = 0.25  # of the population stability index: above it a population has shifted
_DISTANCE = 0.3
_LEAST_SHIFT = 1.0
_LEAST = 100
_BINS = 10
_LEAST_SHARE = 1e-3


@dataclass(frozen=True, slots=True)
class SignalDrift:
    """A column of recent rows against the reference: both distances, and the shift of the median.

    `distance` is that of Kolmogorov and Smirnov (0 to 1), `stability` the population stability
    index over ten equal bins of the reference; `shift` is in the unit of the signal, `spreads` in
    its robust scatter. Both tests see any difference in long series; the shift must matter too.
    """

    column: int
    distance: float
    stability: float
    shift: float
    spreads: float

    @property
    def drifted(self) -> bool:
        """Whether the signal is no longer what it was in the reference."""
        shifted = abs(self.spreads) >= _LEAST_SHIFT
        return self.distance >= _DISTANCE and self.stability >= STABILITY and shifted


def signal_drifts(reference: Floats, recent: Floats) -> tuple[SignalDrift, ...]:
    """Each column of recent rows against the reference; none where either has under 100 values.

    Meant weekly: a week of rows against the weeks that a model was trained on.
    """
    drifts = []
    for column in range(reference.shape[1]):
        before, after = (rows[np.isfinite(rows[:, column]), column] for rows in (reference, recent))
        if min(len(before), len(after)) < _LEAST:
            continue
        shift = float(np.median(after) - np.median(before))
        spread = max(robust_sd(before), 1e-3 * abs(float(np.median(before))), 1e-12)
        distance, index = largest_difference(before, after), stability_index(before, after)
        drifts.append(SignalDrift(column, distance, index, shift, shift / spread))
    return tuple(drifts)


def largest_difference(before: Floats, after: Floats) -> float:
    """The distance of Kolmogorov and Smirnov: how far the two distribution functions part."""
    places = np.concatenate((before, after))
    below = [
        np.searchsorted(np.sort(values), places, side="right") / len(values)
        for values in (before, after)
    ]
    return float(np.abs(below[0] - below[1]).max())


def stability_index(before: Floats, after: Floats) -> float:
    """The population stability index: how far the shares in the tenths of `before` have moved.

    A value that holds a tenth by itself is a bin of its own, so that what stood still is seen to
    move whichever way it goes.
    """
    tenths = np.quantile(before, np.linspace(0, 1, _BINS + 1))
    tied = tenths[1:][np.diff(tenths) == 0]
    edges = np.unique(np.concatenate((tenths[1:-1], tied, np.nextafter(tied, np.inf))))
    shares = [
        np.bincount(np.digitize(values, edges), minlength=len(edges) + 1) / len(values)
        for values in (before, after)
    ]
    expected, seen = (np.maximum(share, _LEAST_SHARE) for share in shares)
    return float(((seen - expected) * np.log(seen / expected)).sum())
