"""History in the site's SQL historian: one table (or view) of signal, time and value."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isnan

from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    Float,
    MetaData,
    String,
    Table,
    delete,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from copilot_tools.errors import Unavailable
from copilot_tools.sources.protocols import Samples

SOURCE = "SQL historian"

metadata = MetaData()

samples_table = Table(
    "samples",
    metadata,
    Column("signal", String(120), primary_key=True),
    Column("time", DateTime, primary_key=True),
    Column("value", Float),
)


class SqlHistory:
    """History over `samples`; times are UTC without offset, a bad sample's value is null."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, samples: Iterable[Samples]) -> None:
        """Store samples; one of the same signal and time is replaced."""
        column = samples_table.c
        with _answering(), self._engine.begin() as connection:
            for one in samples:
                rows = {_naive(t): v for t, v in zip(one.times, one.values, strict=True)}
                for times in _chunks(sorted(rows)):
                    old = (column.signal == one.signal) & column.time.in_(times)
                    connection.execute(delete(samples_table).where(old))
                    connection.execute(
                        samples_table.insert(),
                        [{"signal": one.signal, "time": t, "value": rows[t]} for t in times],
                    )

    async def read(
        self, signals: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, Samples]:
        """All samples of each signal in [start, end); a signal without data has empty samples."""
        return await asyncio.to_thread(self._read, signals, start, end)

    async def last(self, signal: str) -> datetime | None:
        """The time of the newest sample of a signal."""
        return await asyncio.to_thread(self._last, signal)

    def _read(self, signals: Sequence[str], start: datetime, end: datetime) -> dict[str, Samples]:
        column = samples_table.c
        query = (
            select(column.signal, column.time, column.value)
            .where(column.signal.in_(signals), column.time >= _naive(start))
            .where(column.time < _naive(end))
            .order_by(column.signal, column.time)
        )
        times: dict[str, list[datetime]] = {signal: [] for signal in signals}
        values: dict[str, list[float | None]] = {signal: [] for signal in signals}
        with _answering(), self._engine.connect() as connection:
            for signal, moment, value in connection.execute(query):
                times[signal].append(moment.replace(tzinfo=UTC))
                values[signal].append(None if value is None or isnan(value) else value)
        return {s: Samples(s, tuple(times[s]), tuple(values[s])) for s in times}

    def _last(self, signal: str) -> datetime | None:
        query = select(func.max(samples_table.c.time)).where(samples_table.c.signal == signal)
        with _answering(), self._engine.connect() as connection:
            newest = connection.execute(query).scalar_one()
        return newest.replace(tzinfo=UTC) if newest else None


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = error.orig if isinstance(error, DBAPIError) and error.orig else error
        raise Unavailable(SOURCE, str(reason).partition("\n")[0]) from error


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _chunks(times: list[datetime], size: int = 500) -> Iterator[list[datetime]]:
    for start in range(0, len(times), size):
        yield times[start : start + size]
