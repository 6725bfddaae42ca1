"""How far rows are from usual, all signals together, and which signals make up the distance."""

import numpy as np

from copilot_tools.timeseries import Floats

_LEAST = 1e-12


def ledoit_wolf(rows: Floats) -> Floats:
    """The covariance of rows, shrunk towards a multiple of the identity by the optimal amount.

    Ledoit and Wolf 2004, J. Multivariate Analysis 88.
    """
    count, width = rows.shape
    centred = rows - rows.mean(axis=0)
    sample = centred.T @ centred / count
    target = np.trace(sample) / width * np.eye(width)
    squared = centred**2
    spread = float((squared.T @ squared / count - sample**2).sum()) / count
    distance = float(((sample - target) ** 2).sum())
    shrinkage = min(spread / distance, 1.0) if distance > 0 else 0.0
    return np.asarray((1 - shrinkage) * sample + shrinkage * target, dtype=np.float64)


def mahalanobis(deviations: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """The squared distance of each row, and the share of each signal in it.

    The share of signal j is d_j (S^-1 d)_j over the distance; shares of a row sum to 1.
    """
    weighted = deviations * (deviations @ precision)
    distances = np.maximum(weighted.sum(axis=-1), _LEAST)
    return distances, weighted / distances[..., None]


def tail_ratio(width: int) -> float:
    """The ratio of the 99 % to the 75 % quantile of chi-squared (Wilson and Hilferty 1931).

    So the bulk of a reference tells the limit where its own tail may hold old faults.
    """
    small = 2 / (9 * width)
    high, bulk = ((1 - small + z * small**0.5) ** 3 for z in (2.326, 0.674))
    return float(high / bulk)
