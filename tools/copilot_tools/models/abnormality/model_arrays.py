"""Baselines of many machines side by side in arrays, and what missing signals are taken to be."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from copilot_tools.models.abnormality.baseline import Baseline
from copilot_tools.models.abnormality.members import MEMBERS
from copilot_tools.timeseries import Flags, Floats

UNSEEN = -1  # the regime of a machine that runs as it never did in its history
_RIDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Fits:
    """N baselines padded to W signals; the last axis counts baselines, as `members` likes it."""

    centre: Floats
    scale: Floats
    slow: Floats
    longest_rest: Floats
    offsets: Floats
    whitening: Floats
    first: Floats

    @classmethod
    def of(cls, known: Sequence[Baseline], width: int) -> "Fits":
        """Stack baselines; one more, empty, comes last and stands for none."""
        count = len(known) + 1
        stacked = cls(
            np.zeros((width, count)),
            np.ones((width, count)),
            np.zeros((width, count)),
            np.full((width, count), np.inf),
            np.zeros((MEMBERS, width, count)),
            np.zeros((MEMBERS, width, width, count)),
            np.ones((MEMBERS, width, count)),
        )
        for number, fit in enumerate(known):
            own = len(fit.centre)
            for name in ("centre", "scale", "slow", "longest_rest"):
                getattr(stacked, name)[:own, number] = getattr(fit, name)
            stacked.offsets[:, :own, number] = fit.offsets
            stacked.whitening[:, :own, :own, number] = fit.whitening
            stacked.first[:, :own, number] = fit.first
        return stacked

    def take(self, places: NDArray[np.intp]) -> "Fits":
        """The baselines at some places, laid out anew along the last axis."""
        # An index would leave that axis the outermost in memory: ten times slower to work on.
        return Fits(*(getattr(self, f.name).take(places, axis=-1) for f in fields(self)))

    def put(self, places: NDArray[np.intp], others: "Fits") -> None:
        """Other baselines at some places."""
        for f in fields(self):
            getattr(self, f.name)[..., places] = getattr(others, f.name)


@dataclass(frozen=True, slots=True)
class ModelArrays:
    """The baselines of A machines; `place` (A x R) finds that of a machine in a regime.

    It is UNSEEN where there is none. `used` (W x A) marks the signals that a machine has.
    """

    fits: Fits
    place: NDArray[np.intp]
    used: Flags

    @classmethod
    def of(cls, machines: Sequence[Sequence[Baseline | None]]) -> "ModelArrays":
        """Lay out the baselines of each machine by regime, in the order of the machines."""
        known = [fit for regimes in machines for fit in regimes if fit is not None]
        width = max((len(fit.centre) for fit in known), default=1)
        most = max((len(regimes) for regimes in machines), default=0)
        place = np.full((len(machines), max(most, 1)), UNSEEN, dtype=np.intp)
        used = np.zeros((width, len(machines)), dtype=np.bool_)
        count = 0
        for machine, regimes in enumerate(machines):
            for regime, fit in enumerate(regimes):
                if fit is not None:
                    place[machine, regime] = count
                    used[: len(fit.centre), machine] = True
                    count += 1
        return cls(Fits.of(known, width), place, used)

    def place_of(self, regimes: NDArray[np.intp]) -> NDArray[np.intp]:
        """Which baseline each machine has in its regime; UNSEEN, the empty one, for none."""
        known = (regimes >= 0) & (regimes < self.place.shape[1])
        found = self.place[np.arange(len(regimes)), np.where(known, regimes, 0)]
        return np.where(known, found, UNSEEN)


def bridged(whitening: Floats, missing: Flags) -> Floats:
    """Whitening (M x W x W) for rows whose missing signals are 0: they are taken as expected.

    What is expected is the least distant value given the others, for a Mahalanobis distance the
    regression on them; a signal that cannot be seen so neither raises nor hides a deviation.
    """
    filled = whitening.copy()
    for member, transform in enumerate(whitening):
        precision = transform.T @ transform
        hidden = precision[np.ix_(missing, missing)]
        ridge = _RIDGE * max(float(np.trace(hidden)), _RIDGE) * np.eye(len(hidden))
        expected = -np.linalg.solve(hidden + ridge, precision[np.ix_(missing, ~missing)])
        filled[member][:, ~missing] += transform[:, missing] @ expected
        filled[member][:, missing] = 0.0
    return filled
