"""How a machine usually runs, a fit for each product that it makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from copilot_tools.models.behaviour import Behaviour
from copilot_tools.timeseries import Floats


@dataclass(frozen=True, slots=True)
class UsualBehaviour:
    """Fits by product; the product is "" where none is known."""

    fits: Mapping[str, Behaviour]

    @classmethod
    def fit(cls, rows: Mapping[str, Floats], operating: int) -> "UsualBehaviour":
        """Learn from complete rows of running history by product, the operating point first."""
        return cls({name: Behaviour.fit(table, operating) for name, table in rows.items()})

    def scores(self, product: str, rows: Floats) -> Floats:
        """How unusual rows are (1: the 99 % limit of usual); NaN for a product never learnt."""
        fit = self.fits.get(product)
        return np.full(len(rows), np.nan) if fit is None else fit.compare(rows).scores

    def to_state(self) -> dict[str, Any]:
        """The fits as plain values and arrays."""
        return {name: fit.to_state() for name, fit in self.fits.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "UsualBehaviour":
        """The fits that `to_state` gave."""
        return cls({name: Behaviour.from_state(fit) for name, fit in state.items()})
