"""Causal summaries of columns: each row tells only of itself and the rows before it.

All take rows x columns and give rows x columns, however long the history; recursive filters and
running sums keep the cost of a row constant.
"""

from functools import lru_cache

import numpy as np
from scipy.signal import lfilter

from copilot_tools.timeseries import Floats

BEGIN = 20
_PRIOR_SPREAD = 80.0
_CURVE_HALF_LIFE = 20.0
_CURVE_PRIOR = (0.02, 2.0, 4000.0)


def ewma(rows: Floats, half_life: float) -> Floats:
    """The exponentially weighted mean, without the bias of its start."""
    decay = 0.5 ** (1 / half_life)
    sums = _recursive(rows, (1 - decay,), (1, -decay))
    weights = 1 - decay ** np.arange(1.0, len(rows) + 1)
    return np.asarray(sums / weights[:, None], dtype=np.float64)


def running_mean(rows: Floats) -> Floats:
    """The mean of all rows so far."""
    counts = np.arange(1.0, len(rows) + 1)
    return np.asarray(np.cumsum(rows, axis=0) / counts[:, None], dtype=np.float64)


def since_begin(rows: Floats, smooth: Floats) -> Floats:
    """How far `smooth` is from the mean of the first 20 rows, as far as they are known."""
    begin = running_mean(rows)
    begin[BEGIN:] = begin[min(BEGIN, len(rows)) - 1]
    return smooth - begin


def slope(rows: Floats, window: int) -> Floats:
    """The least-squares slope a row over the last `window` rows, drawn to 0 while they are few."""
    count = np.minimum(np.arange(1.0, len(rows) + 1), window)
    places = np.arange(float(len(rows)))
    middle = places - (count - 1) / 2
    moments = windowed(places[:, None] * rows, window) - middle[:, None] * windowed(rows, window)
    spread = count * (count**2 - 1) / 12
    return np.asarray(moments / (spread + _PRIOR_SPREAD)[:, None], dtype=np.float64)


def change(rows: Floats, lag: int) -> Floats:
    """How far each row is from that `lag` rows before, or from the first one."""
    before = rows[np.maximum(np.arange(len(rows)) - lag, 0)]
    return np.asarray(rows - before, dtype=np.float64)


def curve(rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Level, slope and curvature of the exponentially weighted quadratic through the rows so far.

    A ridge prior holds slope and curvature near 0 while the history is short.
    """
    decay = 0.5 ** (1 / _CURVE_HALF_LIFE)
    # Sums over the lag l of decay^l l^k row[t - l], k = 0, 1, 2, as recursive filters.
    flat = _recursive(rows, (1.0,), (1, -decay))
    ramp = _recursive(rows, (0.0, decay), (1, -2 * decay, decay**2))
    square = _recursive(rows, (0.0, decay, decay**2), (1, -3 * decay, 3 * decay**2, -(decay**3)))
    moments = np.stack([flat, -ramp, square], axis=1)
    inverse = _curve_inverse(1 << max(len(rows) - 1, 1).bit_length())[: len(rows)]
    level, rise, bend = np.moveaxis(np.einsum("tij,tjc->tic", inverse, moments), 1, 0)
    return level, rise, bend


@lru_cache(maxsize=16)
def _curve_inverse(count: int) -> Floats:
    """The inverse normal matrices of the quadratic after 1 to `count` rows."""
    lags = np.arange(float(count))
    weights = 0.5 ** (lags / _CURVE_HALF_LIFE)
    sums = [np.cumsum(weights * (-lags) ** power) for power in range(5)]
    normal = np.array([[sums[i + j] for j in range(3)] for i in range(3)])
    normal = np.moveaxis(normal, 2, 0) + np.diag(_CURVE_PRIOR)
    return np.asarray(np.linalg.inv(normal), dtype=np.float64)


def windowed(rows: Floats, window: int) -> Floats:
    """Sums over the last `window` rows, of fewer at the begin."""
    sums = np.cumsum(rows, axis=0)
    sums[window:] -= sums[:-window].copy()
    return sums


def _recursive(rows: Floats, ahead: tuple[float, ...], back: tuple[float, ...]) -> Floats:
    return np.asarray(lfilter(ahead, back, rows, axis=0), dtype=np.float64)
