"""Operating regimes: which one a row is in, and sensors in scatters of their regime."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from copilot_tools.models.remaining_life.run import Run
from copilot_tools.timeseries import Flags, Floats

CLIP = 8.0
_MOST = 8
_LOOSE = 1e-3
_SAMPLE = 5000
_LEAST_SHARE = 0.01
_DEAD = 1e-6
_MARGIN = 1.5
_RECENT = 10


@dataclass(frozen=True, slots=True)
class Regimes:
    """Fitted regimes; where the settings do not fall into a few clear ones, there is one."""

    centre: Floats
    scale: Floats
    centres: Floats
    """Regimes x settings, standardised."""
    reach: float
    """How far from its regime a row of training may lie, with a margin."""
    used: NDArray[np.intp]
    """The sensors that move in every regime."""
    means: Floats
    scatters: Floats

    @classmethod
    def fit(cls, runs: Sequence[Run], seed: int) -> "Regimes":
        """Learn from all rows of `runs` whose settings are known."""
        settings = np.concatenate([run.settings for run in runs])
        known = np.isfinite(settings).all(axis=1)
        settings = settings[known]
        sensors = np.concatenate([run.sensors for run in runs])[known]
        centre = settings.mean(axis=0)
        scale = np.maximum(settings.std(axis=0), 1e-9 + 1e-9 * np.abs(centre))
        standard = (settings - centre) / scale
        centres = _find_centres(standard, seed)
        regime, distance = _nearest(standard, centres)
        reach = float(np.quantile(distance, 0.999)) * _MARGIN + 1e-6
        means, scatters, moving = _describe(sensors, regime, len(centres))
        used = np.flatnonzero(moving)
        return cls(centre, scale, centres, reach, used, means[:, used], scatters[:, used])

    def normalise(self, run: Run) -> Floats:
        """The used sensors in scatters from the mean of their regime, a bad one as it last was."""
        regime, distance = self._place(run.settings)
        rows = (run.sensors[:, self.used] - self.means[regime]) / self.scatters[regime]
        return _carry(np.where(np.isfinite(distance)[:, None], rows, np.nan))

    def unseen(self, run: Run) -> bool:
        """Whether the last row lies far from every regime of training."""
        _, distance = self._place(run.settings[-1:])
        return not bool(distance[0] <= self.reach)

    def silent(self, run: Run) -> bool:
        """Whether a used sensor gave nothing good in the last 10 rows."""
        good = np.isfinite(run.sensors[-_RECENT:, self.used]).any(axis=0)
        return not bool(good.all())

    def _place(self, settings: Floats) -> tuple[NDArray[np.intp], Floats]:
        """The regime of each row, and how far it is: not finite where settings are missing."""
        return _nearest((settings - self.centre) / self.scale, self.centres)

    def to_state(self) -> dict[str, Any]:
        """Plain arrays and numbers."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Regimes":
        """What `to_state` gave."""
        return cls(**state)


def _find_centres(standard: Floats, seed: int) -> Floats:
    """The fewest clusters that leave a thousandth of the variance, one where 8 do not."""
    one = np.zeros((1, standard.shape[1]))
    sample = standard[:: max(len(standard) // _SAMPLE, 1)]
    total = float((sample**2).sum())
    if total == 0:
        return one
    for count in range(2, min(_MOST, len(sample)) + 1):
        found = KMeans(count, n_init=3, random_state=seed).fit(sample)
        if found.inertia_ <= _LOOSE * total:
            return np.asarray(found.cluster_centers_, dtype=np.float64)
    return one


def _nearest(standard: Floats, centres: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The nearest centre of each row, and how far it is."""
    squares = ((standard[:, None, :] - centres) ** 2).sum(axis=2)
    nearest = np.argmin(squares, axis=1)
    return nearest, np.sqrt(squares[np.arange(len(squares)), nearest])


def _describe(
    sensors: Floats, regime: NDArray[np.intp], count: int
) -> tuple[Floats, Floats, Flags]:
    """Mean and scatter of each sensor by regime, and which sensors move in all of them."""
    means, scatters = np.zeros((2, count, sensors.shape[1]))
    moving = np.ones(sensors.shape[1], dtype=np.bool_)
    least = _DEAD * np.maximum(np.abs(np.nanmean(sensors, axis=0)), 1e-9)
    for number in range(count):
        rows = sensors[regime == number]
        means[number], scatters[number] = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
        if len(rows) >= _LEAST_SHARE * len(sensors):
            moving &= scatters[number] > least
    return means, np.maximum(scatters, least), moving


def _carry(rows: Floats) -> Floats:
    """Bad values as they last were, 0 before the first good one."""
    good = np.isfinite(rows)
    if good.all():
        return rows
    places = np.where(good, np.arange(len(rows))[:, None], 0)
    last = np.maximum.accumulate(places, axis=0)
    carried = np.take_along_axis(rows, last, axis=0)
    return np.where(np.isfinite(carried), carried, 0.0)
