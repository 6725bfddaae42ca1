"""Whether a unit resembles any that was learnt from."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from copilot_tools.models.remaining_life.regimes import CLIP
from copilot_tools.timeseries import Floats

_MARGIN = 0.5
_RECENT = 10
_MOSTLY = 0.98


@dataclass(frozen=True, slots=True)
class Envelope:
    """The range of each feature in training, half as wide again to both sides."""

    low: Floats
    high: Floats

    @classmethod
    def of(cls, features: Floats) -> "Envelope":
        """The envelope of all rows learnt from."""
        least, most = features.min(axis=0), features.max(axis=0)
        margin = _MARGIN * (most - least)
        return cls(least - margin, most + margin)

    def holds(self, features: Floats, sensors: Floats) -> bool:
        """Whether a row of features lies inside, and the last sensors in scatters are believable.

        A sensor that stood beyond what features can show for most of the last 10 rows is not. A
        few features may lie outside: extremes of a whole life keep a single odd row for ever.
        """
        wild = np.abs(sensors[-_RECENT:]) > CLIP
        if bool((wild.mean(axis=0) > 0.5).any()):
            return False
        width = len(features)
        inside = (features >= self.low[:width]) & (features <= self.high[:width])
        return bool(inside.mean() >= _MOSTLY)

    def to_state(self) -> dict[str, Any]:
        """Plain arrays."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Envelope":
        """What `to_state` gave."""
        return cls(**state)
