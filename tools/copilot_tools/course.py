"""How a machine ran: the medians of all its signals over time, where it ran, what it made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from copilot_tools.errors import Unavailable
from copilot_tools.operation import is_running, measured_signals, motion_signal, operating_signals
from copilot_tools.plant import Plant
from copilot_tools.records import OrderStatus
from copilot_tools.site.model import Asset, Signal
from copilot_tools.sources.protocols import Samples
from copilot_tools.timeseries import Flags, Floats, bucket_medians, to_seconds

LEAST_COVERAGE = 0.3
_HALF_LIFE_S = 1800.0
_COLD = 0.1
_LONGEST_GAP_S = 3600.0
_FINE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Making:
    """A product that was made from `start` to `end` (seconds since 1970)."""

    product: str
    start: float
    end: float


async def read_makings(plant: Plant, asset: Asset) -> tuple[list[Making], tuple[str, ...]]:
    """What the asset's line made, and from when to when; machines run otherwise for each.

    Besides a notice where the ERP does not answer: then products are not told apart.
    """
    if not asset.line:
        return [], ()
    try:
        orders = await plant.erp.production_orders()
    except Unavailable as error:
        return [], (f"{error}. Products are not told apart.",)
    far = plant.now() + timedelta(days=1)
    return [
        Making(order.product, order.start.timestamp(), (order.finished or far).timestamp())
        for order in orders
        if order.line == asset.line and order.status in (OrderStatus.RUNNING, OrderStatus.DONE)
    ], ()


@dataclass(frozen=True, slots=True)
class Course:
    """The medians of all signals over time; row i belongs to the time `seconds[i]`.

    `running` leaves out the time in which the machine warms up. `product` is a place in `products`,
    0 ("") where none is known.
    """

    signals: list[Signal]
    operating: int
    width: float
    seconds: Floats
    rows: Floats
    running: Flags
    product: NDArray[np.intp]
    products: tuple[str, ...]

    def between(self, start: datetime, end: datetime) -> Flags:
        """The rows whose time lies in [start, end)."""
        return (self.seconds >= start.timestamp()) & (self.seconds < end.timestamp())


def chart_course(
    asset: Asset,
    found: Mapping[str, Samples],
    begin: datetime,
    start: datetime,
    end: datetime,
    makings: Sequence[Making] = (),
) -> tuple[Course, tuple[str, ...]]:
    """The course over [begin, end), and the names of signals that were left out.

    Those have too few values in the running time before or from `start`, the time of interest. A
    row is the median of 10 min, or of 1 min when that time is shorter than 30 min.
    """
    width = 60.0 if end - start < _FINE else 600.0
    # Rows end where the period does, so that the newest one is full.
    count = int((end - begin).total_seconds() // width)
    first = end.timestamp() - count * width
    seconds = first + width * np.arange(count, dtype=np.float64)
    columns = _columns(found, first, width, count)
    recent = seconds >= start.timestamp()
    running = _warmed_up(*_running(asset, columns, recent), width)
    signals = ordered_signals(asset)
    kept = [s for s in signals if _covered(columns[s.id], running, recent)]
    rows = np.column_stack([columns[s.id] for s in kept]) if kept else np.empty((count, 0))
    course = Course(
        signals=kept,
        operating=sum(signal in kept for signal in operating_signals(asset)),
        width=width,
        seconds=seconds,
        rows=np.asarray(rows, dtype=np.float64),
        running=running,
        product=_products(seconds, makings),
        products=("", *dict.fromkeys(making.product for making in makings)),
    )
    return course, tuple(signal.name for signal in signals if signal not in kept)


def _running(asset: Asset, columns: Mapping[str, Floats], recent: Flags) -> tuple[Flags, Flags]:
    """Where the machine ran, and where that is known."""
    motion = motion_signal(asset)
    if motion is not None and np.isfinite(columns[motion.id]).any():
        speed = columns[motion.id]
        return is_running(speed, speed[~recent]), np.asarray(np.isfinite(speed), dtype=np.bool_)
    table = np.column_stack(list(columns.values()))
    seen = np.asarray(np.isfinite(table).any(axis=1), dtype=np.bool_)
    return seen, seen


def _products(seconds: Floats, makings: Sequence[Making]) -> NDArray[np.intp]:
    product = np.zeros(len(seconds), dtype=np.intp)
    names = list(dict.fromkeys(making.product for making in makings))
    for making in makings:
        during = (seconds >= making.start) & (seconds < making.end)
        product[during] = names.index(making.product) + 1
    return product


def _columns(
    found: Mapping[str, Samples], first: float, width: float, count: int
) -> dict[str, Floats]:
    """The bucket medians of each signal; times that signals share are converted once."""
    known: dict[int, Floats] = {}
    columns: dict[str, Floats] = {}
    for key, samples in found.items():
        if id(samples.times) not in known:
            known[id(samples.times)] = to_seconds(samples.times)
        values = np.array(samples.values, dtype=np.float64)
        columns[key] = bucket_medians(known[id(samples.times)], values, first, width, count)
    return columns


def _warmed_up(running: Flags, known: Flags, width: float) -> Flags:
    """Running, and warm again, however often and long it stood of late; or as warm as usual.

    Standing takes half of the warmth in each half-life, running brings half of what lacks. While
    nothing is known for a short time a machine is taken to go on as it did.
    """
    went_on = running.copy()
    for begin, end in _spans(known):
        if begin > 0 and not known[begin] and (end - begin) * width <= _LONGEST_GAP_S:
            went_on[begin:end] = went_on[begin - 1]
    kept, lacks, cold = 0.5 ** (width / _HALF_LIFE_S), 0.0, np.zeros(len(running))
    for begin, end in _spans(went_on):
        fading = kept ** np.arange(1, end - begin + 1)
        cold[begin:end] = lacks * fading if went_on[begin] else 1 - (1 - lacks) * fading
        lacks = float(cold[end - 1])
    # One that starts and stops all the time never gets warmer than half of the time it runs.
    usual = float(np.median(cold[running])) if running.any() else 0.0
    return np.asarray(running & (cold <= max(usual, _COLD)), dtype=np.bool_)


def _spans(flags: Flags) -> Iterator[tuple[int, int]]:
    """The places [begin, end) over which flags stay the same, in order."""
    edges = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    return pairwise([0, *edges.tolist(), len(flags)])


def _covered(column: Floats, running: Flags, window: Flags) -> bool:
    """Whether a signal has values for enough of the running time, before and in the period."""
    good = np.isfinite(column)
    spans = (running & window, running & ~window)
    return all(not span.any() or good[span].mean() >= LEAST_COVERAGE for span in spans)


def ordered_signals(asset: Asset) -> list[Signal]:
    """What is compared: the signals of the operating point first."""
    operating = operating_signals(asset)
    return [*operating, *(s for s in measured_signals(asset) if s not in operating)]
