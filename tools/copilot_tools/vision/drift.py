"""Whether good parts still look as they did in training, by how far they are from good."""

from collections.abc import Sequence

import numpy as np

FEWEST = 100
NOTABLE = 0.25
"""From where on a population counts as shifted (Siddiqi 2006)."""


def stability_index(distances: Sequence[float], reference: Sequence[float]) -> float | None:
    """The population stability index of distances against the deciles of a reference.

    None where there are too few of them, or the reference is no eleven quantiles.
    """
    if len(distances) < FEWEST or len(reference) != 11:
        return None
    inner = np.asarray(reference[1:-1], dtype=np.float64)
    found = np.bincount(np.searchsorted(inner, np.asarray(distances)), minlength=10)
    shares = np.maximum(found / len(distances), 0.5 / len(distances))
    shares /= shares.sum()
    return float(((shares - 0.1) * np.log(shares / 0.1)).sum())
