"""A bag of networks and boosted trees, blended: what they say of a row of features."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from copilot_tools.models.remaining_life.networks import Networks
from copilot_tools.timeseries import Floats

THREADS = ThreadpoolController()
"""Holds libraries to one thread: more wait for each other on a busy machine, tenfold."""
_BLEND = (0.7, 0.3)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work a fit takes: networks in the bag, trees and their rate, most rows learnt from.

    Rows of one unit resemble each other, so that leaving out every other one costs little.
    """

    networks: int = 3
    trees: int = 200
    rate: float = 0.06
    rows: int = 30_000

    @property
    def steps(self) -> int:
        """How often progress is told."""
        return self.networks + 1


FULL = Effort()


@dataclass(frozen=True, slots=True)
class Ensemble:
    """A fitted blend; `few` are the columns of channels, and all that networks see but the age."""

    few: int
    age: bool
    cap: float
    networks: Networks
    trees: Any

    @classmethod
    def fit(
        cls,
        features: Floats,
        target: Floats,
        *,
        few: int,
        age: bool,
        cap: float,
        seed: int,
        effort: Effort = FULL,
        progress: Callable[[], None] = lambda: None,
    ) -> "Ensemble":
        """Learn cycles left, up to `cap`; `age` says whether the last column may be used."""
        every = -(-len(target) // effort.rows)
        features, target = features[::every], np.minimum(target, cap)[::every]
        columns = features if age else features[:, :-1]
        networks = Networks.fit(
            _narrow(columns, few, age), target, count=effort.networks, seed=seed, progress=progress
        )
        trees = HistGradientBoostingRegressor(
            learning_rate=effort.rate,
            max_iter=effort.trees,
            max_leaf_nodes=15,
            min_samples_leaf=max(60 // every, 5),
            l2_regularization=5.0,
            max_features=0.25,
            early_stopping=False,
            random_state=seed,
        ).fit(columns, target)
        progress()
        return cls(few, age, cap, networks, trees)

    def predict(self, features: Floats) -> Floats:
        """Cycles left for each row of features, from 0 to the cap."""
        columns = features if self.age else features[:, :-1]
        with THREADS.limit(limits=1):
            parts = (
                self.networks.predict(_narrow(columns, self.few, self.age)),
                self.trees.predict(columns),
            )
        blend = sum(weight * part for weight, part in zip(_BLEND, parts, strict=True))
        return np.asarray(np.clip(blend, 0, self.cap), dtype=np.float64)

    def to_state(self) -> dict[str, Any]:
        """Plain arrays and numbers, and the trees as scikit-learn has them."""
        return {
            "few": self.few,
            "age": self.age,
            "cap": self.cap,
            "networks": self.networks.to_state(),
            "trees": self.trees,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Ensemble":
        """What `to_state` gave."""
        return cls(**{**state, "networks": Networks.from_state(state["networks"])})


def _narrow(columns: Floats, few: int, age: bool) -> Floats:
    """The columns of the channels, and the age where it may be used."""
    return columns[:, [*range(few), *((-1,) if age else ())]]
