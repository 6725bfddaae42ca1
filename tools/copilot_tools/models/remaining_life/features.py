"""What an ensemble sees of a run: summaries of its channels and sensors, and its age."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from copilot_tools.models.remaining_life.channels import Channels
from copilot_tools.models.remaining_life.regimes import CLIP, Regimes
from copilot_tools.models.remaining_life.run import Run
from copilot_tools.models.remaining_life.summaries import (
    change,
    curve,
    ewma,
    running_mean,
    since_begin,
    slope,
)
from copilot_tools.timeseries import Floats

_SUMMARIES = 16


@dataclass(frozen=True, slots=True)
class Features:
    """Fitted features: columns of the channels, then of the sensors, then the age in cycles."""

    regimes: Regimes
    channels: Channels

    @classmethod
    def fit(cls, runs: Sequence[Run], cap: float, seed: int) -> "Features":
        """Learn regimes and channels, the health index from the last `cap` cycles of lives."""
        regimes = Regimes.fit(runs, seed)
        histories = [_clip(regimes.normalise(run)) for run in runs]
        return cls(regimes, Channels.fit(histories, [_index_target(run, cap) for run in runs]))

    @property
    def of_channels(self) -> int:
        """How many columns tell of channels."""
        return _SUMMARIES * len(self.channels.offset)

    def of(self, run: Run) -> Floats:
        """The features after each cycle of a run."""
        return self.of_sensors(self.regimes.normalise(run))

    def of_sensors(self, rows: Floats) -> Floats:
        """The features after each cycle of normalised sensors."""
        sensors = _clip(rows)
        age = np.arange(1.0, len(rows) + 1)
        channels = _channel_columns(self.channels.apply(sensors))
        return np.column_stack([*channels, *_sensor_columns(sensors), age])

    def to_state(self) -> dict[str, Any]:
        """Plain arrays and numbers."""
        return {"regimes": self.regimes.to_state(), "channels": self.channels.to_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Features":
        """What `to_state` gave."""
        return cls(Regimes.from_state(state["regimes"]), Channels.from_state(state["channels"]))


def _channel_columns(rows: Floats) -> list[Floats]:
    """Levels as one and its differences: what networks have to tell apart, they get apart."""
    now, recent, smooth, slow, slowest = (ewma(rows, half) for half in (1.5, 4, 5, 10, 25))
    level, rise, bend = curve(rows)
    return [
        now - recent,
        recent,
        recent - slow,
        slow - slowest,
        *(slope(rows, window) for window in (15, 30, 60)),
        smooth - running_mean(rows),
        *(change(smooth, lag) for lag in (10, 20, 40, 80)),
        since_begin(rows, smooth),
        level - smooth,
        rise,
        bend,
    ]


def _sensor_columns(rows: Floats) -> list[Floats]:
    smooth = ewma(rows, 10)
    return [ewma(rows, 3), smooth, slope(rows, 40), since_begin(rows, smooth)]


def _index_target(run: Run, cap: float) -> Floats:
    left = run.remaining()
    return np.where(run.failed & (left <= cap), left, np.nan)


def _clip(rows: Floats) -> Floats:
    return np.clip(rows, -CLIP, CLIP)
