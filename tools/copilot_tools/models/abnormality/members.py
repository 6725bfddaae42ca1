"""The members of a distance, for many rows or many machines at once.

All arrays are members x signals x N, where N counts rows, machines, or is 1 for all of them:
numpy is quickest along a long last axis. A member whitens its inputs into coordinates; its distance
is the larger of two sums of their squares, the `first` and the others (T2 and Q of principal
components; for a Mahalanobis distance all are first).
"""

import numpy as np

from copilot_tools.timeseries import Floats

MEMBERS = 3
_LEAST = 1e-9


def member_inputs(means: Floats, slow: Floats) -> Floats:
    """What the members look at, from the means of the short, long and slow half-lives.

    The second member does not see the slow part of the signals where `slow` (signals x N) is 1.
    """
    short, long, drift = means
    inputs = np.stack((short, short, long))
    inputs[1] -= slow * drift
    return inputs


def member_distances(deviations: Floats, whitening: Floats, first: Floats) -> Floats:
    """The squared distance by each member (members x N)."""
    squares = _coordinates(deviations, whitening)
    np.square(squares, out=squares)
    front = np.einsum("mia,mia->ma", squares, first)
    return np.asarray(np.maximum(front, squares.sum(axis=1) - front), dtype=np.float64)


def member_shares(deviations: Floats, whitening: Floats, first: Floats) -> Floats:
    """The part of each signal in the distance (signals x N), the mean over the members."""
    coordinates = _coordinates(deviations, whitening)
    front = (coordinates**2 * first).sum(axis=1, keepdims=True)
    rest = (coordinates**2 * (1 - first)).sum(axis=1, keepdims=True)
    coordinates = coordinates * np.where(front >= rest, first, 1 - first)
    weighted = deviations * np.einsum("mija,mia->mja", whitening, coordinates)
    shares = weighted / np.maximum(weighted.sum(axis=1, keepdims=True), _LEAST)
    return np.asarray(shares.mean(axis=0), dtype=np.float64)


def mix(distances: Floats) -> Floats:
    """The score: the square root of the geometric mean over the members (the first axis)."""
    product = np.maximum(distances, _LEAST).prod(axis=0)
    return np.asarray(product ** (0.5 / len(distances)), dtype=np.float64)


def _coordinates(deviations: Floats, whitening: Floats) -> Floats:
    return np.asarray(np.einsum("mija,mja->mia", whitening, deviations), dtype=np.float64)
