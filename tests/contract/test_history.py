"""One suite for every History: the embedded Parquet store and SQL historians."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.history_sql import SqlHistory, metadata
from copilot_tools.sources.protocols import History, Samples

POSTGRES = os.environ.get("COPILOT_TEST_POSTGRES", "")
START = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
END = START + timedelta(days=3)

moments = st.datetimes(datetime(2026, 11, 19), datetime(2026, 11, 22), timezones=st.just(UTC))
fresh = count()
values = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)


def minutes(signal: str, *readings: float | None, start: datetime = START) -> Samples:
    times = tuple(start + timedelta(minutes=n) for n in range(len(readings)))
    return Samples(signal, times, readings)


@pytest.fixture(params=["parquet", "sqlite", "postgres"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    if request.param == "parquet":
        yield ParquetHistory(tmp_path / "history")
        return
    if request.param == "postgres" and not POSTGRES:
        pytest.skip("COPILOT_TEST_POSTGRES names no database")
    url = POSTGRES if request.param == "postgres" else f"sqlite:///{tmp_path / 'history.db'}"
    engine = create_engine(url)
    metadata.drop_all(engine)
    metadata.create_all(engine)
    yield SqlHistory(engine)
    metadata.drop_all(engine)
    engine.dispose()


async def test_what_was_appended_is_read(history: History) -> None:
    history.append([minutes("P-1.flow", 1.0, 2.0, 3.0), minutes("P-1.level", 9.0)])
    found = await history.read(["P-1.flow", "P-1.level"], START, END)
    assert found["P-1.flow"] == minutes("P-1.flow", 1.0, 2.0, 3.0)
    assert found["P-1.level"] == minutes("P-1.level", 9.0)


async def test_a_signal_without_data_is_empty(history: History) -> None:
    history.append([minutes("P-1.flow", 1.0)])
    found = await history.read(["P-9.flow"], START, END)
    assert found == {"P-9.flow": Samples("P-9.flow", (), ())}
    assert await history.last("P-9.flow") is None


async def test_bad_samples_stay_as_bad_samples(history: History) -> None:
    history.append([minutes("P-1.flow", 1.0, None, 3.0)])
    found = await history.read(["P-1.flow"], START, END)
    assert found["P-1.flow"].values == (1.0, None, 3.0)


async def test_the_start_belongs_to_a_period_and_the_end_does_not(history: History) -> None:
    history.append([minutes("P-1.flow", 0.0, 1.0, 2.0, 3.0)])
    first, last = START + timedelta(minutes=1), START + timedelta(minutes=3)
    assert (await history.read(["P-1.flow"], first, last))["P-1.flow"].values == (1.0, 2.0)


async def test_a_period_may_span_midnights(history: History) -> None:
    hourly = Samples(
        "P-1.flow",
        tuple(START + timedelta(hours=h) for h in range(60)),
        tuple(map(float, range(60))),
    )
    history.append([hourly])
    assert (await history.read(["P-1.flow"], START, END))["P-1.flow"] == hourly


async def test_samples_may_arrive_late_and_twice(history: History) -> None:
    history.append([minutes("P-1.flow", 3.0, start=START + timedelta(minutes=2))])
    history.append([minutes("P-1.flow", 1.0, 2.0)])
    history.append([minutes("P-1.flow", 5.0)])
    found = await history.read(["P-1.flow"], START, END)
    assert found["P-1.flow"] == minutes("P-1.flow", 5.0, 2.0, 3.0)


async def test_last_is_the_newest_sample(history: History) -> None:
    history.append([minutes("P-1.flow", 1.0, 2.0), minutes("P-1.level", 1.0)])
    assert await history.last("P-1.flow") == START + timedelta(minutes=1)
    assert await history.last("P-1.level") == START


async def test_times_of_other_zones_are_the_same_moments(history: History) -> None:
    berlin = START.astimezone(ZoneInfo("Europe/Berlin"))
    history.append([Samples("P-1.flow", (berlin,), (1.0,))])
    found = await history.read(["P-1.flow"], berlin, berlin + timedelta(minutes=1))
    assert found["P-1.flow"] == Samples("P-1.flow", (START,), (1.0,))


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(appended=st.lists(st.dictionaries(moments, values, max_size=20), max_size=4), data=st.data())
async def test_reading_gives_the_latest_written_value_of_every_moment(
    history: History, appended: list[dict[datetime, float | None]], data: Any
) -> None:
    signal = f"P-1.{next(fresh)}"
    expected: dict[datetime, float | None] = {}
    for batch in appended:
        history.append([Samples(signal, tuple(batch), tuple(batch.values()))])
        expected |= batch
    first, last = sorted((data.draw(moments), data.draw(moments)))
    inside = {time: expected[time] for time in sorted(expected) if first <= time < last}
    found = (await history.read([signal], first, last))[signal]
    assert dict(zip(found.times, found.values, strict=True)) == inside
    assert list(found.times) == sorted(inside)
    assert await history.last(signal) == max(expected, default=None)
