from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from telemetry_fixture import NOW, Works, build_works, fact

from copilot_tools.errors import Retry
from copilot_tools.history import read_trend
from copilot_tools.sources.protocols import Samples

HOURS_8 = 8 * 60


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return build_works(tmp_path)


def ramp(start: float, end: float, count: int, noise: float = 0.1) -> np.ndarray:
    return np.linspace(start, end, count) + np.random.default_rng(3).normal(0, noise, count)


async def test_statistics_of_a_rising_signal(works: Works):
    works.store(K_1__bearing_temperature=ramp(50, 74, 2 * HOURS_8))
    found = await works.ask(read_trend, asset="raw pump", signal="bearing temp", window="8h")
    name = "bearing temperature"
    assert fact(found, f"{name} last value").value == pytest.approx(74, abs=0.5)
    assert fact(found, f"{name} lowest").value == pytest.approx(62, abs=0.5)
    assert fact(found, f"{name} highest").value == pytest.approx(74, abs=0.5)
    assert fact(found, f"{name} mean").value == pytest.approx(68, abs=0.1)
    assert fact(found, f"{name} change of the mean").value == pytest.approx(12, abs=0.1)
    slope = fact(found, f"{name} slope")
    assert (slope.value, slope.unit) == (pytest.approx(1.5, abs=0.05), "degC/h")
    assert "rising by 1.5 degC/h" in found.summary
    assert found.notices == ()


async def test_times_of_the_extremes_are_theirs(works: Works):
    flow = np.full(HOURS_8, 50.0)
    flow[60], flow[120] = 10.0, 90.0
    works.store(K_1__flow=flow)
    found = await works.ask(read_trend, asset="K-1", signal="flow", window="8h")
    assert fact(found, "flow lowest").time == NOW - timedelta(hours=7)
    assert fact(found, "flow highest").time == NOW - timedelta(hours=6)
    assert "lowest 10 m3/h at 2026-11-21 06:00" in found.summary


async def test_scatter_alone_is_no_trend(works: Works):
    works.store(K_1__flow=ramp(50, 50.02, HOURS_8))
    found = await works.ask(read_trend, asset="K-1", signal="flow", window="8h")
    assert found.summary.endswith("steady.")


async def test_a_slow_change_is_told_by_the_day(works: Works):
    works.store(K_1__flow=ramp(60, 53, 7 * 24 * 60))
    found = await works.ask(read_trend, asset="K-1", signal="flow", window="7d")
    assert fact(found, "flow slope").value == pytest.approx(-1, abs=0.05)
    assert "falling by 1 m3/h/day" in found.summary


async def test_the_series_is_thin_and_keeps_its_peaks(works: Works):
    flow = ramp(50, 50, 7 * 24 * 60)
    flow[5000] = 99.0
    works.store(K_1__flow=flow)
    series = (await works.ask(read_trend, asset="K-1", signal="flow", window="7d")).series[0]
    assert len(series.times) <= 400
    assert max(v for v in series.values if v is not None) == 99.0
    assert series.normal is not None
    assert list(series.times) == sorted(series.times)


async def test_bad_samples_and_gaps_are_said(works: Works):
    flow = np.full(HOURS_8, 50.0)
    flow[:48] = np.nan
    works.store(NOW - timedelta(hours=2), K_1__flow=flow[:300])
    works.store(NOW, K_1__flow=flow[420:])
    found = await works.ask(read_trend, asset="K-1", signal="flow", window="8h")
    assert "Only 86.7 % of the samples are good." in found.notices
    assert "There is no data for 2 h in 2 gaps." in found.notices
    assert None in found.series[0].values


async def test_a_counter_counts_on_after_a_reset(works: Works):
    works.store(K_1__running_hours=[*range(100, 120), *range(0, 30)])
    found = await works.ask(read_trend, asset="K-1", signal="running hours", window="1h")
    assert fact(found, "running hours counted").value == 48
    assert "stands at 29 h; counted 48 h" in found.summary


async def test_no_data_names_the_newest_there_is(works: Works):
    works.store(NOW - timedelta(days=3), K_1__flow=[50.0])
    found = await works.ask(read_trend, asset="K-1", signal="flow", window="8h")
    assert "no values are stored; the newest stored sample is of 2026-11-18 12:59" in found.summary
    found = await works.ask(read_trend, asset="K-1", signal="speed", window="8h")
    assert "no values are stored, nor at any other time" in found.summary


async def test_only_bad_values_are_no_trend(works: Works):
    works.store(K_1__flow=[np.nan] * 30)
    found = await works.ask(read_trend, asset="K-1", signal="flow", window="1h")
    assert "only bad values are stored" in found.summary


async def test_a_single_sample_is_enough_for_an_answer(works: Works):
    time = NOW - timedelta(minutes=5)
    works.history.append([Samples("K-1.flow", (time,), (50.0,))])
    found = await works.ask(read_trend, asset="K-1", signal="flow", window="1h")
    assert fact(found, "flow last value").value == 50.0


async def test_an_unknown_signal_is_asked_back(works: Works):
    with pytest.raises(Retry, match="bearing temperature"):
        await works.ask(read_trend, asset="K-1", signal="colour", window="1h")
