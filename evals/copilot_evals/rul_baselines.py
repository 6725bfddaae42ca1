"""What a model of remaining life has to beat: age alone, and ridge on plain rolling features."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from copilot_tools.models.remaining_life.regimes import Regimes
from copilot_tools.models.remaining_life.run import Run
from copilot_tools.models.remaining_life.summaries import slope, windowed
from copilot_tools.timeseries import Floats

Course: TypeAlias = Callable[[Run], Floats]
"""The cycles left after each row of a run."""

_WINDOW = 30
_RIDGE = 10.0


def fit_age(runs: Sequence[Run], cap: float) -> Course:
    """The mean of what lives that grew as old had left."""
    longest = max(len(run) for run in runs)
    left = np.full((len(runs), longest), np.nan)
    for row, run in zip(left, runs, strict=True):
        row[: len(run)] = np.minimum(run.remaining(), cap)
    by_age = np.nanmean(left, axis=0)
    return lambda run: by_age[np.minimum(np.arange(len(run)), longest - 1)]


def fit_rolling(runs: Sequence[Run], cap: float) -> Course:
    """Ridge on mean, slope and scatter of the last 30 rows of sensors normalised by regime."""
    regimes = Regimes.fit(runs, seed=0)
    rows = np.concatenate([_rolling(regimes, run) for run in runs])
    target = np.concatenate([np.minimum(run.remaining(), cap) for run in runs])
    centre, middle = rows.mean(axis=0), float(target.mean())
    centred = rows - centre
    normal = centred.T @ centred + _RIDGE * np.eye(rows.shape[1])
    weights = np.linalg.solve(normal, centred.T @ (target - middle))
    return lambda run: np.clip((_rolling(regimes, run) - centre) @ weights + middle, 0, cap)


def _rolling(regimes: Regimes, run: Run) -> Floats:
    rows = regimes.normalise(run)
    mean = _means(rows)
    scatter = np.sqrt(np.maximum(_means(rows**2) - mean**2, 0))
    return np.column_stack([mean, slope(rows, _WINDOW), scatter])


def _means(rows: Floats) -> Floats:
    """Over the last 30 rows, of fewer at the begin."""
    counts = np.minimum(np.arange(1.0, len(rows) + 1), _WINDOW)[:, None]
    return np.asarray(windowed(rows, _WINDOW) / counts, dtype=np.float64)
