"""How a machine usually behaves, learnt from its own history, and how far it is from that.

Signals that set the operating point explain the others by a quadratic least-squares fit, refitted
without outliers. The residuals, scaled robustly, give a Mahalanobis distance with the shrunk
covariance of Ledoit and Wolf. A score of 1 is the 99 % limit of usual behaviour. Rows of the
reference that stand out themselves are left out and the fit repeated, so that an old fault does not
become part of what is usual.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from copilot_tools.models.abnormality.distance import ledoit_wolf, mahalanobis, tail_ratio
from copilot_tools.timeseries import Flags, Floats, robust_sd

_CLIP = 6.0
_OUTSTANDING = 3.0
_ROUNDS = 3
_NEAR = 0.05
_LEAST_VARIANCE = 0.25


@dataclass(frozen=True, slots=True)
class Residuals:
    """Rows of a period: deviations in units and in usual scatters, their share and the score.

    `unseen` marks rows at an operating point beyond the reference; there only the operating
    signals themselves are judged.
    """

    units: Floats
    sigmas: Floats
    shares: Floats
    scores: Floats
    unseen: Flags


@dataclass(frozen=True, slots=True)
class _Point:
    """The operating signals (the first columns): how many, where most rows lie, their scatter."""

    count: int
    low: Floats
    high: Floats
    margin: Floats
    scale: Floats

    @classmethod
    def of(cls, rows: Floats, count: int) -> "_Point":
        if not count:
            none = np.empty(0)
            return cls(0, none, none, none, none)
        point = rows[:, :count]
        lowest, low, high, highest = np.quantile(point, (0.001, 0.02, 0.98, 0.999), axis=0)
        margin = np.maximum(0.1 * (high - low), _NEAR * np.median(np.abs(point), axis=0))
        # The operating point is people's choice: the whole spread of it is usual.
        scale = np.maximum((highest - lowest) / 6.2, _floor(point))
        return cls(count, low, high, margin, scale)

    def design(self, rows: Floats, used: int) -> Floats:
        """Constant, linear and quadratic terms of the first `used` signals, held inside range."""
        span = np.where(self.high > self.low, self.high - self.low, 1.0)[:used]
        low, high = self.low[:used], self.high[:used]
        terms = (np.clip(rows[:, :used], low, high) - low) / span - 0.5
        pairs = combinations_with_replacement(range(used), 2)
        products = [terms[:, i] * terms[:, j] for i, j in pairs]
        return np.column_stack([np.ones(len(rows)), terms, *products])

    def beyond(self, rows: Floats) -> Flags:
        """Rows clearly outside the range where most of the reference lies."""
        point = rows[:, : self.count]
        outside = (point < self.low - self.margin) | (point > self.high + self.margin)
        return np.asarray(outside.any(axis=1), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A fitted machine."""

    point: _Point
    coefficients: tuple[Floats, ...]
    scale: Floats
    precision: Floats
    limit: float

    @classmethod
    def fit(cls, reference: Floats, operating: int) -> "Behaviour":
        """Learn from complete rows of running history, `operating` columns of the point first."""
        point = _Point.of(reference, operating)
        fitted = cls._fit_once(reference, point)
        for _ in range(_ROUNDS - 1):
            usual = fitted.compare(reference).scores <= _OUTSTANDING
            if usual.sum() < len(reference) / 2:
                break
            fitted = cls._fit_once(reference[usual], point)
        return fitted

    @classmethod
    def _fit_once(cls, rows: Floats, point: _Point) -> "Behaviour":
        coefficients: list[Floats] = []
        residuals = np.empty_like(rows)
        for column in range(rows.shape[1]):
            design = point.design(rows, min(column, point.count))
            coefficients.append(_solve(design, rows[:, column]))
            residuals[:, column] = rows[:, column] - design @ coefficients[-1]
        scale = np.array([robust_sd(column) for column in residuals.T])
        spread = np.quantile(residuals, 0.995, axis=0) - np.quantile(residuals, 0.005, axis=0)
        scale = np.maximum(np.maximum(scale, spread / 12), _floor(rows))
        scale[: point.count] = point.scale
        clipped = np.clip(residuals / scale, -_CLIP, _CLIP)
        covariance = ledoit_wolf(clipped)
        # A signal that hardly moves must not rule by its rare steps, least of all a chosen one.
        least = np.where(np.arange(len(scale)) < point.count, 1.0, _LEAST_VARIANCE)
        np.fill_diagonal(covariance, np.maximum(np.diag(covariance), least))
        precision = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        distances, _ = mahalanobis(clipped, precision)
        bulk = max(float(np.quantile(distances, 0.75)), _LEAST_VARIANCE * len(scale))
        limit = bulk * tail_ratio(len(scale))
        return cls(point, tuple(coefficients), scale, precision, limit)

    def to_state(self) -> dict[str, Any]:
        """The fit as plain values and arrays."""
        return {
            "point": {f.name: getattr(self.point, f.name) for f in fields(self.point)},
            "coefficients": list(self.coefficients),
            "scale": self.scale,
            "precision": self.precision,
            "limit": self.limit,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Behaviour":
        """The fit that `to_state` gave."""
        point, coefficients = _Point(**state["point"]), tuple(state["coefficients"])
        return cls(point, coefficients, state["scale"], state["precision"], state["limit"])

    def compare(self, rows: Floats) -> Residuals:
        """How rows deviate from what is usual at their operating point."""
        units = np.empty_like(rows)
        for column, solution in enumerate(self.coefficients):
            design = self.point.design(rows, min(column, self.point.count))
            units[:, column] = rows[:, column] - design @ solution
        unseen = self.point.beyond(rows)
        units[unseen, self.point.count :] = 0.0
        sigmas = units / self.scale
        distances, shares = mahalanobis(sigmas, self.precision)
        return Residuals(units, sigmas, shares, np.sqrt(distances / self.limit), unseen)


def _solve(design: Floats, target: Floats) -> Floats:
    """Least squares, once more without the points far from the first fit."""
    solution = np.linalg.lstsq(design, target, rcond=1e-8)[0]
    residual = target - design @ solution
    near = np.abs(residual - np.median(residual)) <= 3.5 * max(robust_sd(residual), 1e-12)
    if near.sum() > 4 * design.shape[1]:
        solution = np.linalg.lstsq(design[near], target[near], rcond=1e-8)[0]
    return np.asarray(solution, dtype=np.float64)


def _floor(rows: Floats) -> Floats:
    """The least scatter worth looking at: a thousandth of the signal's level."""
    return np.maximum(1e-3 * np.median(np.abs(rows), axis=0), 1e-9)
