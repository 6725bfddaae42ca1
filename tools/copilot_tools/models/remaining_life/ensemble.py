"""Two bags of networks and boosted trees, blended: what they say of a row of features."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from copilot_tools.models.remaining_life.networks import Networks
from copilot_tools.models.remaining_life.run import Kind
from copilot_tools.timeseries import Floats

THREADS = ThreadpoolController()
"""Holds libraries to one thread: more wait for each other on a busy machine, tenfold."""
_BLEND = (0.5, 0.2, 0.3)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work a fit takes: networks in each bag, trees and their rate, most rows learnt from.

    Rows of one unit resemble each other, so that leaving out every other one costs little.
    """

    networks: int = 4
    trees: int = 200
    rate: float = 0.06
    rows: int = 60_000

    @property
    def steps(self) -> int:
        """How often progress is told."""
        return 2 * self.networks + 1

    def of(self, kind: Kind) -> "Effort":
        """What an ensemble of that kind gets: the one without age, asked seldom, half the bag."""
        return self if kind == "aged" else replace(self, networks=-(-self.networks // 2))


FULL = Effort()


@dataclass(frozen=True, slots=True)
class Ensemble:
    """A fitted blend; `few` are the columns that the first bag sees, the others see all."""

    few: int
    age: bool
    cap: float
    narrow: Networks
    wide: Networks
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
        narrow = Networks.fit(
            _narrow(columns, few, age), target, count=effort.networks, seed=seed, progress=progress
        )
        wide = Networks.fit(
            columns, target, count=effort.networks, seed=seed + 100, progress=progress
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
        return cls(few, age, cap, narrow, wide, trees)

    def predict(self, features: Floats) -> Floats:
        """Cycles left for each row of features, from 0 to the cap."""
        columns = features if self.age else features[:, :-1]
        with THREADS.limit(limits=1):
            parts = (
                self.narrow.predict(_narrow(columns, self.few, self.age)),
                self.wide.predict(columns),
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
            "narrow": self.narrow.to_state(),
            "wide": self.wide.to_state(),
            "trees": self.trees,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Ensemble":
        """What `to_state` gave."""
        parts = {name: Networks.from_state(state[name]) for name in ("narrow", "wide")}
        return cls(**{**state, **parts})


def _narrow(columns: Floats, few: int, age: bool) -> Floats:
    """The columns of the channels, and the age where it may be used."""
    return columns[:, [*range(few), *((-1,) if age else ())]]
