"""The embedded history: Parquet files in one folder a UTC day.

One process appends, any number may read at the same time. Every append is a small file of its own,
synced before it counts; when a day has gathered many, or is over, they are merged into one. Merging
renames first and deletes after, so a reader may meet a sample twice but never miss one.
"""

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import count, pairwise
from pathlib import Path

import numpy as np

from copilot_tools.errors import Unavailable
from copilot_tools.sources.history_part import (
    Columns,
    NotHistory,
    Times,
    Values,
    read_part,
    sync_folder,
    write_part,
)
from copilot_tools.sources.protocols import Samples

SOURCE = "history store"
MOST_PARTS = 24
_LISTINGS = 20
_WHOLE_DAY = "day.parquet"
_DAY = np.timedelta64(1, "D")

_log = logging.getLogger(__name__)
_written = count()


class ParquetHistory:
    """History in the folder `root`; bad samples are kept as such (None, NaN in arrays)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._reported: set[Path] = set()
        root.mkdir(parents=True, exist_ok=True)

    def append(self, samples: Iterable[Samples]) -> None:
        """Store samples; when this returns they survive a crash."""
        columns: dict[str, tuple[Times, Values]] = {}
        for one in samples:
            new = (_to_times(one.times), np.array(one.values, dtype=np.float64))
            columns[one.signal] = _joined(
                [columns[one.signal], new] if one.signal in columns else [new]
            )
        self._store(columns)

    def append_arrays(self, times: Times, values: Mapping[str, Values]) -> None:
        """Store many signals that share their times (UTC, microseconds); NaN is a bad sample."""
        stamps = np.asarray(times, dtype="datetime64[us]")
        columns = {
            signal: _joined([(stamps, np.asarray(column, dtype=np.float64))])
            for signal, column in values.items()
        }
        self._store(columns)

    async def read(
        self, signals: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, Samples]:
        """All samples of each signal in [start, end); a signal without data has empty samples."""
        return await asyncio.to_thread(self._read, signals, start, end)

    async def last(self, signal: str) -> datetime | None:
        """The time of the newest sample of a signal."""
        return await asyncio.to_thread(self._last, signal)

    def compact(self, day: date) -> None:
        """Merge the files of one day into one; files that cannot be read are left alone."""
        folder = self._root / day.isoformat()
        readable: dict[Path, Columns] = {}
        for file in _listed(folder):
            columns = self._open(file, None)
            if columns is not None:
                readable[file] = columns
        if len(readable) < 2:
            return
        merged = _merged(readable.values())
        write_part(folder / _WHOLE_DAY, merged)
        for file in readable:
            if file.name != _WHOLE_DAY:
                file.unlink(missing_ok=True)
        sync_folder(folder)

    def _store(self, columns: Columns) -> None:
        for day, part in sorted(_by_day(columns).items()):
            folder = self._root / day.isoformat()
            if not folder.exists():
                self._finish_day_before(day)
                folder.mkdir()
                sync_folder(self._root)
            name = f"part-{time.time_ns():020d}-{os.getpid()}-{next(_written)}.parquet"
            write_part(folder / name, part)
            if len(_listed(folder)) > MOST_PARTS:
                self.compact(day)

    def _finish_day_before(self, day: date) -> None:
        earlier = [known for known in self._days() if known < day]
        if earlier:
            self.compact(earlier[-1])

    def _days(self) -> list[date]:
        """The stored days, oldest first; folders with other names are not ours."""
        try:
            names = os.listdir(self._root)
        except OSError as error:
            raise Unavailable(SOURCE, str(error)) from error
        return sorted(day for name in names if (day := _parse_day(name)) is not None)

    def _read(self, signals: Sequence[str], start: datetime, end: datetime) -> dict[str, Samples]:
        first, stop = _to_time(start), _to_time(end)
        parts = [
            self._read_day(day, signals)
            for day in self._days()
            if np.datetime64(day) + _DAY > first and np.datetime64(day) < stop
        ]
        shared = _SharedTimes()
        found: dict[str, Samples] = {}
        for signal in signals:
            times, values = _joined([part[signal] for part in parts if signal in part])
            low, high = np.searchsorted(times, [first, stop])
            found[signal] = Samples(
                signal, shared.convert(times[low:high]), _to_values(values[low:high])
            )
        return found

    def _read_day(self, day: date, signals: Sequence[str]) -> Columns:
        folder = self._root / day.isoformat()
        for _ in range(_LISTINGS):
            try:
                parts = [self._open(file, signals) for file in _listed(folder)]
            except FileNotFoundError:
                continue  # merged away since it was listed: what it held is in the new listing
            return _merged(part for part in parts if part is not None)
        raise Unavailable(SOURCE, f"{folder} changes faster than it can be read")

    def _open(self, file: Path, signals: Sequence[str] | None) -> Columns | None:
        try:
            return read_part(file, signals)
        except NotHistory as error:
            if file not in self._reported:
                self._reported.add(file)
                _log.warning("skipped in the history: %s", error)
            return None

    def _last(self, signal: str) -> datetime | None:
        for day in reversed(self._days()):
            times, _ = self._read_day(day, [signal]).get(signal, _EMPTY)
            if len(times):
                return _SharedTimes().convert(times[-1:])[0]
        return None


class _SharedTimes:
    """Turns arrays of times into datetimes; signals sampled together share one tuple."""

    def __init__(self) -> None:
        self._array: Times = _EMPTY[0]
        self._tuple: tuple[datetime, ...] = ()

    def convert(self, times: Times) -> tuple[datetime, ...]:
        if not np.array_equal(times, self._array):
            self._array = times
            self._tuple = tuple(moment.replace(tzinfo=UTC) for moment in times.tolist())
        return self._tuple


_EMPTY: tuple[Times, Values] = (np.empty(0, dtype="datetime64[us]"), np.empty(0))


def _listed(folder: Path) -> list[Path]:
    """The files of a day in the order written; the merged one, being the oldest, comes first."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file()]
    return [folder / name for name in sorted(names) if name.endswith(".parquet")]


def _parse_day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _to_time(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def _to_times(moments: Sequence[datetime]) -> Times:
    plain = [moment.astimezone(UTC).replace(tzinfo=None) for moment in moments]
    return np.array(plain, dtype="datetime64[us]")


def _to_values(values: Values) -> tuple[float | None, ...]:
    if not np.isnan(values).any():
        return tuple(values.tolist())
    return tuple(None if value != value else value for value in values.tolist())


def _joined(parts: Sequence[tuple[Times, Values]]) -> tuple[Times, Values]:
    """One signal's parts in time order; of two samples of one moment the later written stays."""
    if not parts:
        return _EMPTY
    times = np.concatenate([part[0] for part in parts])
    values = np.concatenate([part[1] for part in parts])
    if len(times) != len(values):
        raise ValueError("a signal needs as many values as times")
    if len(times) > 1 and not (times[1:] > times[:-1]).all():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        kept = np.append(times[1:] != times[:-1], True)
        times, values = times[kept], values[kept]
    return times, values


def _merged(parts: Iterable[Columns]) -> Columns:
    by_signal: dict[str, list[tuple[Times, Values]]] = {}
    for part in parts:
        for signal, column in part.items():
            by_signal.setdefault(signal, []).append(column)
    return {signal: _joined(columns) for signal, columns in by_signal.items()}


def _by_day(columns: Columns) -> dict[date, dict[str, tuple[Times, Values]]]:
    """The columns cut at UTC midnights."""
    days: dict[date, dict[str, tuple[Times, Values]]] = {}
    for signal, (times, values) in columns.items():
        for day, low, high in _day_bounds(times) if len(times) else ():
            days.setdefault(day, {})[signal] = (times[low:high], values[low:high])
    return days


def _day_bounds(times: Times) -> Iterator[tuple[date, int, int]]:
    dates = times.astype("datetime64[D]")
    cuts = np.flatnonzero(dates[1:] != dates[:-1]) + 1
    for low, high in pairwise([0, *cuts.tolist(), len(times)]):
        yield dates[low].item(), low, high
