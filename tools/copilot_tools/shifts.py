"""How far a signal has moved from its usual level, in its unit and in usual scatters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from copilot_tools.plant import Plant
from copilot_tools.site.model import Signal
from copilot_tools.timeseries import robust_sd, to_arrays
from copilot_tools.windows import Period

REFERENCE = timedelta(days=14)
GUARD = timedelta(days=5)
LEAST_SAMPLES = 30
_HALF_HOUR = 1800.0


@dataclass(frozen=True, slots=True)
class Shift:
    """The level of a signal in a period against its usual level before; `sigmas` is signed."""

    signal: Signal
    level: float
    usual: float
    sigmas: float


async def measure_shifts(
    plant: Plant, signals: Sequence[Signal], period: Period
) -> dict[str, Shift]:
    """The shift of each signal whose history suffices, by signal id.

    The reference is two weeks that end five days before the period, so that a slow change does not
    hide in it; the level is the median of the newest quarter of the period, at least half an hour.
    """
    until = period.start - GUARD
    recent = await plant.history.read(_ids(signals), _newest(period), period.end)
    before = await plant.history.read(_ids(signals), until - REFERENCE, until)
    shifts: dict[str, Shift] = {}
    for signal in signals:
        _, now = to_arrays(recent[signal.id])
        _, past = to_arrays(before[signal.id])
        now, past = now[np.isfinite(now)], past[np.isfinite(past)]
        if len(now) == 0 or len(past) < LEAST_SAMPLES:
            continue
        level, usual = float(np.median(now)), float(np.median(past))
        scatter = max(robust_sd(past), 1e-3 * abs(usual), 1e-9)
        shifts[signal.id] = Shift(signal, level, usual, (level - usual) / scatter)
    return shifts


def _ids(signals: Sequence[Signal]) -> list[str]:
    return [signal.id for signal in signals]


def _newest(period: Period) -> datetime:
    quarter = max(period.length / 4, timedelta(seconds=_HALF_HOUR))
    return max(period.start, period.end - quarter)
