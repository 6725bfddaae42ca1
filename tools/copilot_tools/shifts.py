"""How far signals have moved from what is usual while the same is made."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from copilot_tools.course import chart_course, ordered_signals
from copilot_tools.plant import Plant
from copilot_tools.records import OrderStatus, ProductionOrder
from copilot_tools.site.model import Asset, Signal
from copilot_tools.sources.protocols import Samples
from copilot_tools.timeseries import Flags, Floats, resting_since, robust_sd, to_arrays, to_time
from copilot_tools.windows import Period

REFERENCE = timedelta(days=12)
GUARD = timedelta(days=4)
LEAST_REFERENCE = 100  # rows of a product
LEAST_ROWS = 3
NEWEST_S = 3600.0
DAY_S = 86400.0
LEAST_SCATTER = 2e-3  # of the level
CLEAR_SIGMAS = 3.0
_REST_OBSERVED = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Shift:
    """The level of a signal against what is usual for the product, both in its unit.

    `sigmas` is the signed distance in usual scatters, `drift` how far it would have come by now had
    it gone on as it usually does from day to day.
    """

    signal: Signal
    level: float
    usual: float
    sigmas: float
    drift: float = 0.0

    @property
    def clear(self) -> bool:
        """Is it too far to be chance?"""
        return abs(self.sigmas) >= CLEAR_SIGMAS


async def measure_shifts(
    plant: Plant, assets: Sequence[Asset], orders: Sequence[ProductionOrder], period: Period
) -> dict[str, Shift]:
    """The shift of each signal whose history suffices, by signal id.

    The reference ends four days before the period, so that a slow change does not hide in it. The
    level is of the newest quarter of the period's running time, at least an hour; of a machine that
    stands it may lie before the period. It is compared with the time in which the same was made.
    The operating point is not taken out: many faults show in it. Raises Unavailable.
    """
    begin = period.start - GUARD - REFERENCE
    signals = [signal.id for asset in assets for signal in ordered_signals(asset)]
    found = await plant.history.read(signals, begin, period.end)
    lines = list(plant.site.lines)
    return await asyncio.to_thread(_measure, assets, found, orders, lines, period)


def _measure(
    assets: Sequence[Asset],
    found: Mapping[str, Samples],
    orders: Sequence[ProductionOrder],
    lines: Sequence[str],
    period: Period,
) -> dict[str, Shift]:
    begin = period.start - GUARD - REFERENCE
    shifts: dict[str, Shift] = {}
    for asset in assets:
        own = {signal.id: found[signal.id] for signal in ordered_signals(asset)}
        if not own:
            continue
        course, _ = chart_course(asset, own, begin, period.start, period.end)
        day = int(DAY_S // course.width)
        made = _made(course.seconds, orders, [asset.line] if asset.line else lines)
        learnt = course.running & course.between(begin, period.start - GUARD)
        lately = course.running & course.between(period.start - GUARD, period.end)
        inside = int((course.running & course.between(period.start, period.end)).sum())
        recent = _newest(lately, max(inside // 4, int(NEWEST_S // course.width)))
        for signal, column in zip(course.signals, course.rows.T, strict=True):
            if shift := _compare(signal, column, made, learnt, recent, not asset.line, day):
                shifts[signal.id] = shift
    return shifts


def _compare(
    signal: Signal,
    column: Floats,
    made: NDArray[np.intp],
    learnt: Flags,
    recent: Flags,
    shared: bool,
    day: int,
) -> Shift | None:
    """The shift of one signal, product by product; None where there is too little to compare.

    A machine `shared` by lines is compared with all its time where that combination is rare. A
    `day` has that many rows.
    """
    good = np.isfinite(column)
    usual, scatter, when = (np.full(len(column), np.nan) for _ in range(3))
    for what in np.unique(made[recent & good]):
        same = learnt & good & (made == what)
        if shared and same.sum() < LEAST_REFERENCE:
            same = learnt & good
        if same.sum() >= LEAST_REFERENCE:
            rows = made == what
            usual[rows], scatter[rows] = np.median(column[same]), _scatter(column[same])
            when[rows] = np.median(np.flatnonzero(same))
    rated = recent & good & np.isfinite(usual)
    if rated.sum() < LEAST_ROWS:
        return None
    level = float(np.median(column[rated]))
    expected = level - float(np.median(column[rated] - usual[rated]))
    sigmas = float(np.median((column[rated] - usual[rated]) / scatter[rated]))
    days = float(np.median(np.flatnonzero(rated) - when[rated])) / day
    return Shift(signal, level, expected, sigmas, days * _daily_change(column, learnt, day))


def _daily_change(column: Floats, learnt: Flags, day: int) -> float:
    """How far a signal usually goes within a day; a jump, such as a refill, does not count."""
    known = np.where(learnt, column, np.nan)
    changes = known[day:] - known[:-day]
    good = changes[np.isfinite(changes)]
    return float(np.median(good)) if len(good) else 0.0


def _scatter(reference: Floats) -> float:
    """The usual scatter: robust, but no less than what rare states of the plant make of it."""
    low, high = np.quantile(reference, (0.005, 0.995))
    least = max(LEAST_SCATTER * abs(float(np.median(reference))), 1e-9)
    return max(robust_sd(reference), float(high - low) / 12, least)


def _newest(rows: Flags, most: int) -> Flags:
    """The last rows of those that are set, at least three."""
    kept = np.zeros_like(rows)
    kept[np.flatnonzero(rows)[-max(most, LEAST_ROWS) :]] = True
    return kept


def _made(
    seconds: Floats, orders: Sequence[ProductionOrder], lines: Sequence[str]
) -> NDArray[np.intp]:
    """A number for what lines were making at each time: the same number, the same products."""
    products = sorted({order.product for order in orders})
    made = np.zeros(len(seconds), dtype=np.intp)
    for line in lines:
        here = np.zeros_like(made)
        for order in orders:
            if order.line == line and order.status in (OrderStatus.RUNNING, OrderStatus.DONE):
                end = order.finished.timestamp() if order.finished else np.inf
                during = (seconds >= order.start.timestamp()) & (seconds < end)
                here[during] = products.index(order.product) + 1
        made = made * (len(products) + 1) + here
    return made


async def find_resting(
    plant: Plant, signals: Sequence[Signal], period: Period
) -> dict[str, datetime]:
    """Which signals used to move and have stood still to the end of the period, and since when."""
    found = await plant.history.read(
        [signal.id for signal in signals], period.end - _REST_OBSERVED, period.end
    )
    arrays = {key: to_arrays(samples) for key, samples in found.items()}
    since = {key: resting_since(*pair) for key, pair in arrays.items()}
    return {key: to_time(second) for key, second in since.items() if second is not None}
