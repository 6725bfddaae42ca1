"""How far a row is from the rows most like it: a distance that knows no shape."""

from dataclasses import dataclass

import numpy as np

from copilot_tools.timeseries import Floats

_NEAREST = 10
_MOST = 500
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Rows of the reference, evenly spread over its time, and the 99 % limit of their distance."""

    known: Floats
    limit: float

    @classmethod
    def fit(cls, rows: Floats) -> "Neighbours":
        """Keep at most 500 rows; each is rated by the others, never by itself."""
        known = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST)).astype(np.intp)]
        distances = _mean_distance(known, known, skip=1) ** 2
        return cls(known, max(float(np.quantile(distances, 0.99)), 1e-9))

    def distances(self, rows: Floats) -> Floats:
        """The squared mean distance to the ten nearest known rows; the limit is 1."""
        return _mean_distance(rows, self.known) ** 2 / self.limit


def _mean_distance(rows: Floats, known: Floats, skip: int = 0) -> Floats:
    """Over the ten nearest, leaving out the `skip` nearest of all."""
    last = min(_NEAREST + skip, len(known))
    means = np.empty(len(rows))
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        squares = ((some[:, None, :] - known[None, :, :]) ** 2).sum(axis=2)
        nearest = np.sort(np.partition(squares, last - 1, axis=1)[:, :last], axis=1)
        means[start : start + _AT_ONCE] = np.sqrt(nearest[:, skip:]).mean(axis=1)
    return means
