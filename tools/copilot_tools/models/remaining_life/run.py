"""What goes in and what comes out: a run, an estimate of what is left of it, its drivers."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from copilot_tools.errors import Failed
from copilot_tools.timeseries import Floats

Kind: TypeAlias = Literal["aged", "ageless"]
"""Ensembles that may use the age, and those for units whose begin nobody saw."""
Refusal: TypeAlias = Literal["too short", "unseen regime", "outside training"]


@dataclass(frozen=True, slots=True)
class Run:
    """One life of one unit, a row a cycle, oldest first; a bad or missing value is NaN."""

    unit: str
    settings: Floats
    """Operating point, cycles x settings; no column where there is only one."""
    sensors: Floats
    """Cycles x sensors, in their units."""
    failed: bool = True
    """Whether the last row is the failure; False: still alive, or mended in time."""
    age_known: bool = True
    """Whether row 0 is the begin of its life."""

    def __post_init__(self) -> None:
        if self.settings.ndim != 2 or self.sensors.ndim != 2:
            raise Failed(f"run of {self.unit}: settings and sensors need a row a cycle")
        if len(self.settings) != len(self.sensors):
            raise Failed(
                f"run of {self.unit}: {len(self.settings)} rows of settings and "
                f"{len(self.sensors)} of sensors; both need one a cycle"
            )

    def __len__(self) -> int:
        return len(self.sensors)

    @property
    def kind(self) -> Kind:
        """Which ensemble fits this run best."""
        return "aged" if self.age_known else "ageless"

    def until(self, cycles: int) -> "Run":
        """The first `cycles` rows, as they were known then: still alive."""
        settings, sensors = self.settings[:cycles], self.sensors[:cycles]
        return Run(self.unit, settings, sensors, failed=False, age_known=self.age_known)

    def remaining(self) -> Floats:
        """Cycles left after each row until its last one."""
        return np.arange(len(self) - 1, -1, -1, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cycles that a unit has left, with the 80 % interval; all NaN where `refusal` says why.

    No figure exceeds the cap of the model. `levels` and `quantiles` hold the whole distribution.
    """

    median: float
    low: float
    high: float
    capped: bool
    """The interval reaches the cap: all that can be said is "more than `low` cycles"."""
    levels: Floats
    quantiles: Floats
    refusal: Refusal | None = None

    def chance(self, horizon: float) -> float:
        """The probability that the end comes within `horizon` cycles; NaN on refusal.

        Beyond the cap nothing is known: what lies there never counts as coming.
        """
        if self.refusal is not None:
            return float("nan")
        top = self.quantiles[-1]
        if horizon < top:
            return float(np.interp(horizon, self.quantiles, self.levels, left=0.0))
        first = int(self.quantiles.searchsorted(top))
        return float(self.levels[first]) if first < len(self.levels) - 1 else 1.0


@dataclass(frozen=True, slots=True)
class Driver:
    """What the course of one sensor since the begin of the run does to the estimate.

    `sensor` is its column in `Run.sensors`; `cycles` are negative where it costs life.
    """

    sensor: int
    cycles: float


def refused(why: Refusal) -> Estimate:
    """The estimate that says only why there is none."""
    none, nan = np.empty(0), float("nan")
    return Estimate(nan, nan, nan, False, none, none, why)
