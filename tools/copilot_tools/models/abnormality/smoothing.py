"""Exponentially weighted means that look only back and bridge missing values."""

import numpy as np

from copilot_tools.timeseries import Flags, Floats

SHORT, LONG, SLOW = 5.0, 10.0, 60.0
HALF_LIVES = np.array((SHORT, LONG, SLOW))  # in ticks


class Means:
    """The weighted means (half-lives x shape) of values that come tick by tick."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.now = np.zeros((len(HALF_LIVES), *shape))
        self.begun = np.zeros(shape)

    def absorb(self, values: Floats, passed: float = 1.0) -> Floats:
        """The means after new values, `passed` ticks after the last.

        A missing value (NaN) leaves its mean as it is; the first one begins it.
        """
        heard = np.isfinite(values)
        known = np.where(heard, values, 0.0)
        gain = (1 - 0.5 ** (passed / HALF_LIVES)).reshape(-1, *(1 for _ in values.shape))
        change = known - self.now
        change *= gain
        change *= heard
        self.now += change
        fresh = heard & (self.begun == 0)
        if fresh.any():
            self.now[:, fresh] = known[fresh]
            self.begun[fresh] = 1
        return self.now

    def forget(self, where: Flags) -> None:
        """Begin anew there."""
        self.now[:, where] = 0.0
        self.begun[where] = 0


def smooth(rows: Floats) -> Floats:
    """The means of each column at each row (half-lives x columns x rows)."""
    means = Means(rows.shape[1:])
    smoothed = np.empty((len(HALF_LIVES), rows.shape[1], len(rows)))
    for place, row in enumerate(rows):
        smoothed[:, :, place] = means.absorb(row)
    return smoothed
