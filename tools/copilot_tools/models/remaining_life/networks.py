"""A bag of small networks that differ only by their seed, kept as plain arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPRegressor

from copilot_tools.timeseries import Floats

_HIDDEN = (48, 24)
_EPOCHS = 18
_SETTLED = 8
_BATCH = 256
_RATE = 3e-3
_DECAY = 0.5
_SQUASH = 2.5


@dataclass(frozen=True, slots=True)
class Networks:
    """Fitted networks; `layers` are weights (network x in x out) and biases (network x 1 x out)."""

    centre: Floats
    scale: Floats
    layers: tuple[tuple[Floats, Floats], ...]
    target_mean: float
    target_scale: float

    @classmethod
    def fit(
        cls,
        columns: Floats,
        target: Floats,
        *,
        count: int,
        seed: int,
        progress: Callable[[], None] = lambda: None,
    ) -> "Networks":
        """Learn `target` from `columns`; `progress` is called after each network.

        A network is the mean of its weights after each of the last epochs (Izmailov et al. 2018,
        UAI, stochastic weight averaging): steps may be large, and one is as good as a bag.
        """
        centre, scale = columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-9)
        mean, spread = float(target.mean()), max(float(target.std()), 1e-9)
        # Single precision halves the time and changes no figure.
        given = _squash(columns, centre, scale).astype(np.float32)
        wanted = ((target - mean) / spread).astype(np.float32)
        fitted = []
        for number in range(count):
            network = MLPRegressor(
                hidden_layer_sizes=_HIDDEN,
                alpha=_DECAY,
                learning_rate_init=_RATE,
                batch_size=min(_BATCH, len(given)),
                random_state=seed + number,
            )
            fitted.append(_train(network, given, wanted))
            progress()
        layers = tuple(
            (np.stack([one[0] for one in layer]), np.stack([one[1] for one in layer]))
            for layer in zip(*fitted, strict=True)
        )
        return cls(centre, scale, layers, mean, spread)

    def predict(self, columns: Floats) -> Floats:
        """The mean of the networks, one figure a row."""
        values = _squash(columns, self.centre, self.scale)[None]
        last = len(self.layers) - 1
        for depth, (weights, biases) in enumerate(self.layers):
            values = values @ weights + biases
            if depth < last:
                values = np.maximum(values, 0)
        mean = values[..., 0].mean(axis=0)
        return np.asarray(mean * self.target_scale + self.target_mean, dtype=np.float64)

    def to_state(self) -> dict[str, Any]:
        """Plain arrays and numbers."""
        return {
            "centre": self.centre,
            "scale": self.scale,
            "layers": [list(layer) for layer in self.layers],
            "target": [self.target_mean, self.target_scale],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Networks":
        """What `to_state` gave."""
        layers = tuple((weights, biases) for weights, biases in state["layers"])
        return cls(state["centre"], state["scale"], layers, *state["target"])


def _train(
    network: MLPRegressor, given: NDArray[np.float32], wanted: NDArray[np.float32]
) -> list[tuple[Floats, Floats]]:
    """The weights (in x out) and biases (1 x out) of each layer, means over the last epochs."""
    settled = []
    for epoch in range(_EPOCHS):
        network.partial_fit(given, wanted)
        if epoch >= _SETTLED:
            # Training goes on in the same arrays.
            settled.append([one.copy() for one in (*network.coefs_, *network.intercepts_)])
    means = [
        np.stack(course).mean(axis=0, dtype=np.float64) for course in zip(*settled, strict=True)
    ]
    depth = len(means) // 2
    return [(means[place], means[depth + place][None]) for place in range(depth)]


def _squash(columns: Floats, centre: Floats, scale: Floats) -> Floats:
    """Standardised and bent, so that one far value cannot rule."""
    return np.asarray(_SQUASH * np.tanh((columns - centre) / (scale * _SQUASH)), dtype=np.float64)
