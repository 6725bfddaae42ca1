from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plant_fixture import ago, build_plant, work_order

from copilot_tools.facts import Fact, Findings
from copilot_tools.models.projection import last_renewal, project
from copilot_tools.plant import Plant
from copilot_tools.rul import predict_rul
from copilot_tools.site.load import parse_site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.history_parquet import ParquetHistory

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITE = parse_site(
    """\
[site]
id = "x"
name = "X"
time_zone = "UTC"
namespace = "u"
[[shift]]
name = "d"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "FN-1"
name = "Exhaust fan"
kind = "fan"
area = "A"
[[asset.signal]]
name = "vibration"
node = "s=v"
unit = "mm/s"
[[asset.component]]
name = "bearing"
wear = { signal = "vibration", threshold = 7.0 }
[[asset.component]]
name = "housing"
"""
)


def build(folder: Path, course: np.ndarray, rows: dict | None = None) -> Plant:
    """A fan whose vibration took `course` over the last 60 days, with some noise."""
    count = 60 * 24 * 4
    times = np.datetime64(NOW.replace(tzinfo=None)) - (
        np.arange(count)[::-1] * np.timedelta64(900, "s")
    )
    noise = np.random.default_rng(5).normal(0, 0.1, count)
    shape = np.interp(np.linspace(0, 60, count), np.linspace(0, 60, len(course)), course)
    history = ParquetHistory(folder / "history")
    history.append_arrays(times.astype("datetime64[us]"), {"FN-1.vibration": shape + noise})
    plant = build_plant(folder, rows or {})
    return replace(plant, site=SITE, resolver=Resolver(SITE), history=history)


async def ask(plant: Plant, component: str | None = None) -> Findings:
    arguments = {"asset": "fan"} | ({"component": component} if component else {})
    return await predict_rul.run(plant, predict_rul.check(arguments))


def remaining(findings: Findings) -> Fact | None:
    return next((f for f in findings.facts if "remaining life" in f.name), None)


async def test_a_steady_rise_meets_its_limit_when_the_line_does(tmp_path: Path):
    findings = await ask(build(tmp_path, np.linspace(2.0, 6.0, 61)))
    life = remaining(findings)
    assert life is not None
    assert life.interval is not None
    assert life.value == pytest.approx(15.0, abs=1.5)
    assert life.value in life.interval
    assert "about" in findings.summary


async def test_a_level_signal_shows_no_sign_of_wear(tmp_path: Path):
    findings = await ask(build(tmp_path, np.full(61, 2.0)))
    assert "no sign of wear" in findings.summary
    assert remaining(findings) is None


async def test_a_recovering_signal_shows_no_sign_of_wear(tmp_path: Path):
    assert "no sign of wear" in (await ask(build(tmp_path, np.linspace(5, 2, 61)))).summary


async def test_beyond_the_limit_nothing_is_left(tmp_path: Path):
    assert (
        "has reached its limit of 7 mm/s"
        in (await ask(build(tmp_path, np.linspace(3, 8, 61)))).summary
    )


async def test_only_time_since_a_repair_counts(tmp_path: Path):
    worn_then_new = np.concatenate([np.linspace(2, 6.5, 48), np.full(13, 2.0)])
    assert "no sign of wear" in (await ask(build(tmp_path, worn_then_new))).summary


async def test_just_after_a_repair_there_is_not_enough_history(tmp_path: Path):
    done = work_order(
        "WO-1",
        "FN-1",
        kind="corrective",
        status="done",
        component="bearing",
        created=ago(days=3),
        finished=ago(days=2),
    )
    rows = {"work_orders": [done]}
    findings = await ask(build(tmp_path, np.linspace(2, 6, 61), rows))
    assert "not enough history since its repair" in findings.summary
    assert remaining(findings) is None


async def test_without_history_or_wear_signal_nothing_is_predicted(tmp_path: Path):
    plant = build(tmp_path, np.full(61, 2.0))
    empty = replace(plant, history=ParquetHistory(tmp_path / "empty"))
    assert "not enough history yet" in (await ask(empty)).summary
    assert "I cannot see the wear" in (await ask(plant, "housing")).summary


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 3.0), st.floats(-0.3, 0.5), st.floats(0.0, 0.3), st.integers(0, 2**32 - 1))
def test_a_projection_is_ordered_and_never_negative(
    start: float, slope: float, noise: float, seed: int
):
    days = np.arange(56, dtype=np.float64) / 4
    values = start + slope * days + np.random.default_rng(seed).normal(0, noise, 56)
    trend = project(days, values, limit=9.0, rising=True)
    if trend.days is None:
        assert trend.low is None
    else:
        assert trend.low is not None
        assert trend.high is not None
        assert 0 <= trend.low <= trend.days + 1e-9
        assert trend.days <= trend.high + 1e-9


def test_a_jump_back_is_a_renewal():
    days = np.arange(80, dtype=np.float64) / 4
    values = np.where(days < 12, 2 + days / 3, 2.0)
    assert last_renewal(days, values, limit=7.0, rising=True) == pytest.approx(12.0)
    assert last_renewal(days, np.full(80, 2.0), limit=7.0, rising=True) is None
