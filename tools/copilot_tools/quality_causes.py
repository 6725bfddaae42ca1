"""What changed on a line when a burst of a defect began: signals, alarms, the lot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from copilot_tools.operation import ambient_signals
from copilot_tools.plant import Plant
from copilot_tools.quality_bursts import Burst
from copilot_tools.records import AlarmEvent, AlarmTransition, Inspection
from copilot_tools.site.model import Asset, Signal, Site
from copilot_tools.timeseries import Flags, Floats, robust_sd, to_arrays, to_seconds

LOOK_BACK = timedelta(days=3)
COMPARED = 360
"""Units before the burst that the burst is compared with: those just before it."""
FEWEST_BEFORE = 30
FRESH_S = 300.0
ALARMS_BEFORE = timedelta(minutes=30)
LOT_BEGAN = timedelta(minutes=15)
GAIN = 8.0
MOVED = 1.0
NAMED = 3


@dataclass(frozen=True, slots=True)
class Mover:
    """A signal that was different when the defect came: its medians before and in the burst.

    `gain` is how much likelier the defects are when the signal is known (log-likelihood).
    """

    signal: Signal
    before: float
    during: float
    gain: float

    @property
    def change(self) -> float:
        """By how much it moved, in its unit."""
        return self.during - self.before


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What went with a burst: movers, strongest first; alarms raised, first one first.

    `lot_began` says that the burst began with its lot.
    """

    movers: tuple[Mover, ...]
    alarms: tuple[AlarmEvent, ...]
    lot_began: bool


async def find_circumstances(plant: Plant, burst: Burst) -> Circumstances:
    """What else happened on the line; raises Unavailable while history or journal are silent."""
    units = await plant.inspections.results(
        burst.onset - LOOK_BACK, burst.end + timedelta(seconds=1), burst.line
    )
    assets = machines_of(plant.site, burst.line)
    events = await plant.journal.events(
        burst.onset - ALARMS_BEFORE, burst.end, [asset.id for asset in assets]
    )
    raised: dict[str, AlarmEvent] = {}
    for event in events:
        if event.transition is AlarmTransition.RAISED:
            raised.setdefault(event.alarm, event)
    same_lot = [unit.time for unit in units if unit.batch == burst.batch]
    return Circumstances(
        movers=await _movers(plant, burst, units, assets),
        alarms=tuple(raised.values())[:NAMED],
        lot_began=bool(same_lot) and burst.onset - same_lot[0] <= LOT_BEGAN,
    )


def machines_of(site: Site, line: str) -> list[Asset]:
    """The machines of a line, and those that feed them directly."""
    own = {asset.id for asset in site.assets.values() if asset.line == line}
    return [
        asset
        for asset in site.assets.values()
        if asset.id in own or (not asset.line and own & set(asset.feeds))
    ]


async def _movers(
    plant: Plant, burst: Burst, units: Sequence[Inspection], assets: Sequence[Asset]
) -> tuple[Mover, ...]:
    compared = _compared_units(units, burst)
    signals = [signal for asset in assets for signal in _telling(asset)]
    if not compared or not signals:
        return ()
    start = compared[0].time - timedelta(seconds=FRESH_S)
    stored = await plant.history.read(
        [signal.id for signal in signals], start, compared[-1].time + timedelta(seconds=1)
    )
    at = to_seconds([unit.time for unit in compared])
    defective = np.array([unit.defect == burst.defect for unit in compared])
    during = at >= burst.onset.timestamp()
    found = [
        mover
        for signal in signals
        if (
            mover := _mover(
                signal, _values_at(*to_arrays(stored[signal.id]), at), defective, during
            )
        )
    ]
    return tuple(sorted(found, key=lambda mover: -mover.gain)[:NAMED])


def _telling(asset: Asset) -> list[Signal]:
    """What may have to do with a defect: no counters, and not how warm the hall is."""
    around = ambient_signals(asset)
    return [s for s in asset.signals if not s.counter and s not in around]


def _compared_units(units: Sequence[Inspection], burst: Burst) -> list[Inspection]:
    """The units of the burst and those just before it, of the same product where there are any."""
    before = [unit for unit in units if unit.time < burst.onset]
    alike = [unit for unit in before if unit.product == burst.product]
    if len(alike) >= FEWEST_BEFORE:
        before = alike
    during = [unit for unit in units if unit.time >= burst.onset]
    return before[-COMPARED:] + during if len(before) >= FEWEST_BEFORE else []


def _values_at(seconds: Floats, values: Floats, at: Floats) -> Floats:
    """The last good value at or before each time, NaN where it is older than five minutes."""
    good = np.isfinite(values)
    seconds, values = seconds[good], values[good]
    if len(seconds) == 0:
        return np.full(len(at), np.nan)
    place = np.searchsorted(seconds, at, side="right") - 1
    fresh = (place >= 0) & (at - seconds[np.maximum(place, 0)] <= FRESH_S)
    return np.where(fresh, values[np.maximum(place, 0)], np.nan)


def _mover(signal: Signal, values: Floats, defective: Flags, during: Flags) -> Mover | None:
    good = np.isfinite(values)
    inside, outside = values[good & during], values[good & ~during]
    if len(outside) < FEWEST_BEFORE or len(inside) < 3:
        return None
    before, now = float(np.median(outside)), float(np.median(inside))
    spread = max(robust_sd(outside), 1e-3 * abs(before), 1e-9)
    if abs(now - before) < MOVED * spread:
        return None
    scaled = np.clip((values[good] - before) / spread, -12.0, 12.0)
    gain = logistic_gain(scaled, defective[good])
    return Mover(signal, before, now, gain) if gain >= GAIN else None


def logistic_gain(x: Floats, hit: Flags, rounds: int = 25) -> float:
    """How much the log-likelihood of `hit` grows when it may depend on `x` (logistic regression).

    Newton's method with a faint ridge, so that a clean separation stays finite.
    """
    y = hit.astype(np.float64)
    share = float(y.mean())
    if not 0.0 < share < 1.0:
        return 0.0
    design = np.column_stack((np.ones_like(x), x))
    beta = np.array([np.log(share / (1 - share)), 0.0])
    ridge = np.diag([1e-6, 1e-2])
    for _ in range(rounds):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30)))
        weight = np.maximum(chance * (1 - chance), 1e-9)
        slope = design.T @ (y - chance) - ridge @ beta
        step = np.linalg.solve((design.T * weight) @ design + ridge, slope)
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-6:
            break
    line = np.clip(design @ beta, -30, 30)
    fitted = float((y * line - np.logaddexp(0.0, line)).sum())
    return fitted - float(len(y) * (share * np.log(share) + (1 - share) * np.log(1 - share)))


def first_alarm(alarms: Sequence[AlarmEvent], onset: datetime) -> AlarmEvent | None:
    """The alarm closest to the onset of a burst."""
    return min(alarms, key=lambda event: abs(event.time - onset), default=None)
