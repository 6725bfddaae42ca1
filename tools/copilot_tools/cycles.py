"""How a machine ran, cycle by cycle: what models of remaining life learn from and are asked with.

A cycle is a span of some hours in which the machine ran; hours in which it stood do not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from copilot_tools.operation import is_running, measured_signals, motion_signal, operating_signals
from copilot_tools.site.model import Asset, Signal
from copilot_tools.sources.protocols import History, Samples
from copilot_tools.timeseries import Flags, Floats, bucket_medians, to_arrays

FINE_S = 600.0
LEAST_SHARE = 0.1
_SPAN = timedelta(days=20)
_DUTY_S = 14 * 86400.0
_NEAR_BEGIN_S = 3 * 86400.0


class Schema(BaseModel):
    """What a model must be given: signals by name, and how many hours a cycle has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: tuple[str, ...]
    sensors: Annotated[tuple[str, ...], Field(min_length=1)]
    cycle_hours: Annotated[float, Field(gt=0, le=24 * 366)]

    def missing(self, asset: Asset) -> list[str]:
        """The signals that the asset does not have."""
        there = {signal.name for signal in asset.signals}
        return [name for name in (*self.settings, *self.sensors) if name not in there]


@dataclass(frozen=True, slots=True)
class Cycles:
    """Medians of the running time of each cycle; row i begins at `seconds[i]`.

    `duty` is the share of the latest two weeks in which the machine ran.
    """

    seconds: Floats
    settings: Floats
    sensors: Floats
    duty: float

    def between(self, begin: datetime, end: datetime) -> "Cycles":
        """The cycles that begin in [begin, end)."""
        inside = (self.seconds >= begin.timestamp()) & (self.seconds < end.timestamp())
        return Cycles(self.seconds[inside], self.settings[inside], self.sensors[inside], self.duty)

    def begin_at(self, begin: datetime | None) -> bool:
        """Whether the first cycle is that of a life which began then; else its begin was missed."""
        if begin is None or not len(self.seconds):
            return False
        return float(self.seconds[0]) - begin.timestamp() <= _NEAR_BEGIN_S


def shared_schema(assets: list[Asset], cycle_hours: float) -> Schema:
    """The signals that all of some like machines have, the operating point apart."""
    first = assets[0]
    common = set.intersection(*({s.name for s in measured_signals(asset)} for asset in assets))
    settings = [s.name for s in operating_signals(first) if s.name in common]
    sensors = [s.name for s in measured_signals(first) if s.name in common - set(settings)]
    return Schema(settings=tuple(settings), sensors=tuple(sensors), cycle_hours=cycle_hours)


@dataclass(frozen=True, slots=True)
class Trace:
    """Medians of ten minutes of some signals of a machine, NaN where it stood."""

    seconds: Floats
    columns: Mapping[str, Floats]

    def cycles(self, schema: Schema) -> Cycles:
        """The trace in cycles; those in which the machine hardly ran are left out."""
        width = schema.cycle_hours * 3600
        table = np.column_stack([self.columns[n] for n in (*schema.settings, *schema.sensors)])
        ran: Flags = np.asarray(np.isfinite(table).any(axis=1), dtype=np.bool_)
        number = np.floor(self.seconds / width).astype(np.int64)
        kept, first, counts = np.unique(number[ran], return_index=True, return_counts=True)
        enough = counts * FINE_S >= LEAST_SHARE * width
        rows = [
            _medians(table[ran][i : i + n])
            for i, n in zip(first[enough].tolist(), counts[enough].tolist(), strict=True)
        ]
        medians = np.array(rows).reshape(-1, table.shape[1])
        split = len(schema.settings)
        late = ran[-int(_DUTY_S / FINE_S) :]
        duty = float(late.mean()) if len(late) else 0.0
        seconds = kept[enough].astype(np.float64) * width
        return Cycles(seconds, medians[:, :split], medians[:, split:], duty)

    def running_hours(self, begin: datetime, end: datetime) -> float:
        """How long the machine ran in [begin, end)."""
        inside = (self.seconds >= begin.timestamp()) & (self.seconds < end.timestamp())
        ran = np.zeros(int(inside.sum()), dtype=np.bool_)
        for column in self.columns.values():
            ran |= np.isfinite(column[inside])
        return float(ran.sum() * FINE_S / 3600)


async def read_trace(
    history: History, asset: Asset, names: list[str], begin: datetime, end: datetime
) -> Trace:
    """The trace of signals over [begin, end), read piece by piece: histories are long."""
    signals = [signal for signal in asset.signals if signal.name in names]
    motion = motion_signal(asset)
    read = list(dict.fromkeys([*signals, *([motion] if motion else [])]))
    pieces: list[tuple[Floats, dict[str, Floats]]] = []
    start = begin
    while start < end:
        stop = min(start + _SPAN, end)
        found = await history.read([signal.id for signal in read], start, stop)
        pieces.append(_fine(read, found, start, stop))
        start = stop
    seconds = np.concatenate([piece[0] for piece in pieces]) if pieces else np.empty(0)
    columns = {
        signal.id: np.concatenate([piece[1][signal.id] for piece in pieces])
        if pieces
        else np.empty(0)
        for signal in read
    }
    if motion is not None and len(seconds):
        running = is_running(columns[motion.id], columns[motion.id])
        columns = {key: np.where(running, column, np.nan) for key, column in columns.items()}
    return Trace(seconds, {signal.name: columns[signal.id] for signal in signals})


def _fine(
    signals: list[Signal], found: Mapping[str, Samples], start: datetime, stop: datetime
) -> tuple[Floats, dict[str, Floats]]:
    count = int(np.ceil((stop - start).total_seconds() / FINE_S))
    seconds = start.timestamp() + FINE_S * np.arange(count, dtype=np.float64)
    return seconds, {
        signal.id: bucket_medians(*to_arrays(found[signal.id]), seconds[0], FINE_S, count)
        for signal in signals
    }


def _medians(rows: Floats) -> Floats:
    """The median of each column; NaN for one without values."""
    known = np.isfinite(rows).any(axis=0)
    medians = np.full(rows.shape[1], np.nan)
    medians[known] = np.nanmedian(rows[:, known], axis=0)
    return medians
