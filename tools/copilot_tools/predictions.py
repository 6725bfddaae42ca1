"""What was predicted of components, kept to be held against what then happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

Role: TypeAlias = Literal["told", "shadow"]
TREND = "trend"


@dataclass(frozen=True, slots=True)
class Prediction:
    """At a time a model said: so many days left, with an 80 % interval; an open end is None.

    `model` is the version's name, or TREND. A `shadow` one was never told to anybody.
    """

    asset: str
    component: str
    at: datetime
    model: str
    role: Role
    days: float
    low: float
    high: float | None


class Predictions(Protocol):
    """Where predictions are kept. Both raise Unavailable when that does not answer."""

    def keep(self, predictions: Sequence[Prediction]) -> None:
        """Keep predictions; only the first of a component, day, role and model counts."""

    def of(self, assets: Sequence[str] | None) -> list[Prediction]:
        """All that are kept of some assets (None: of all), oldest first."""
