"""Image filters learnt from the pictures themselves, without labels.

Patches are whitened and grouped (k-means); each group's centre becomes a filter that answers to an
edge, a bar or a colour that these pictures really have (Coates and Ng 2012).
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Weights: TypeAlias = NDArray[np.float32]

PATCHES = 20_000
SHRINK = 0.05
"""Share of the mean variance that whitening adds to every direction, against noise."""


def learn_filters(maps: Weights, size: int, number: int, seed: int) -> Weights:
    """Filters (number x channels x size x size) whose answers to `maps` have variance one.

    `maps` are pictures or feature maps, n x channels x height x width. Patches are compared
    without their mean.
    """
    from sklearn.cluster import MiniBatchKMeans

    patches = _patches(maps, size, np.random.default_rng(seed)).astype(np.float64)
    channels = maps.shape[1]
    centred = _without_mean(patches, channels)
    spread, axes = np.linalg.eigh(np.cov(centred.T))
    floor = SHRINK * float(spread.mean()) + 1e-9
    whitening = (axes / np.sqrt(np.maximum(spread, 0.0) + floor)) @ axes.T
    white = centred @ whitening
    groups = MiniBatchKMeans(number, n_init=1, batch_size=2048, max_iter=20, random_state=seed)
    groups.fit(white)
    filters = _without_mean(groups.cluster_centers_ @ whitening, channels)
    filters /= (patches @ filters.T).std(axis=0)[:, np.newaxis] + 1e-9
    return filters.reshape(number, channels, size, size).astype(np.float32)


def _patches(maps: Weights, size: int, draw: np.random.Generator) -> Weights:
    count, channels, height, width = maps.shape
    picture = draw.integers(0, count, PATCHES)
    top = draw.integers(0, height - size + 1, PATCHES)
    left = draw.integers(0, width - size + 1, PATCHES)
    windows = np.lib.stride_tricks.sliding_window_view(maps, (size, size), axis=(2, 3))
    return windows[picture, :, top, left].reshape(PATCHES, channels * size * size)


def _without_mean(rows: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
    """Rows less the mean of each of their channels."""
    parted = rows.reshape(len(rows), channels, -1)
    centred = parted - parted.mean(axis=2, keepdims=True)
    return np.asarray(centred.reshape(len(rows), -1))
