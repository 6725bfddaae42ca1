"""What the instruments make of the true values: noise, resolution, bad spells and lost samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil, log10
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from copilot.demo.physics.plant import Sensor
from copilot_tools.site.model import Signal

Values: TypeAlias = NDArray[np.float64]
Times: TypeAlias = NDArray[np.datetime64]

SPELL_CHANCE = 0.6  # bad spells of one signal per day
GAP_CHANCE = 0.3  # gaps of the whole collection per day


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in [start, end) without good values; `column` is the signal, None means all."""

    column: int | None
    start: datetime
    end: datetime


class Instruments:
    """Turns true values into measured ones; the noise of a run follows from `seed` and `start`."""

    def __init__(
        self, seed: int, start: datetime, sensors: tuple[Sensor, ...], signals: tuple[Signal, ...]
    ) -> None:
        self._seed = seed
        self._random = np.random.default_rng([seed, int(start.timestamp())])
        self._noise = np.array([sensor.noise for sensor in sensors])
        self._scale = np.array([10.0 ** _decimals(sensor) for sensor in sensors])
        ranges = [signal.range for signal in signals]
        self._low = np.array([r.low if r and r.low is not None else -np.inf for r in ranges])
        self._high = np.array([r.high if r and r.high is not None else np.inf for r in ranges])

    def measure(self, true: Values, frozen: NDArray[np.bool_], column: int) -> Values:
        """Measured values of true ones (samples by signals); `frozen` samples of `column` stay."""
        noise = self._random.standard_normal(true.shape) * self._noise
        noise[true == 0.0] = 0.0
        noise[frozen, column] = 0.0
        values = np.clip(true + noise, self._low, self._high)
        return np.asarray(np.round(values * self._scale) / self._scale, dtype=np.float64)

    def spells(self, start: datetime, end: datetime) -> list[Spell]:
        """Bad spells and gaps that overlap [start, end)."""
        day = start.date() - timedelta(days=1)
        found: list[Spell] = []
        while day <= end.date():
            found += self._spells_of(day)
            day += timedelta(days=1)
        return [spell for spell in found if spell.start < end and spell.end > start]

    def _spells_of(self, day: date) -> Iterator[Spell]:
        random = Random(f"spells {self._seed} {day}")
        for chance, whole, longest in ((SPELL_CHANCE, False, 25), (GAP_CHANCE, True, 12)):
            if random.random() < chance:
                begin = datetime.combine(day, time(), UTC)
                begin += timedelta(seconds=random.randrange(86_400))
                length = timedelta(minutes=random.uniform(3, longest))
                column = None if whole else random.randrange(len(self._noise))
                yield Spell(column, begin, begin + length)


def _decimals(sensor: Sensor) -> int:
    if "count" in sensor.name:
        return 0
    return max(ceil(-log10(sensor.noise / 2)), 0) if sensor.noise else 1
