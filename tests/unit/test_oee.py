from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plant_fixture import NOW, ago, build_plant, count, stop

from copilot_tools.errors import Retry
from copilot_tools.facts import Findings
from copilot_tools.oee import get_oee
from copilot_tools.oee_index import OeeIndex, oee_index
from copilot_tools.plant import Plant
from copilot_tools.records import Downtime, ProductionCount

START = datetime(2026, 11, 21, 6, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def made(start: float, end: float, total: int, good: int) -> ProductionCount:
    return ProductionCount("LA", at(start), at(end), total, good)


def down(start: float, end: float | None, planned: bool = False, reason: str = "jam") -> Downtime:
    return Downtime("LA", "CV-5", at(start), None if end is None else at(end), reason, planned)


def shift(counts: list[ProductionCount], stops: list[Downtime]) -> OeeIndex:
    index = oee_index(at(0), at(480), counts, stops, ideal_rate=100)
    assert index
    return index


def test_a_shift_worked_out_by_hand():
    # 480 min less 30 planned = 450; 45 min down leaves 405 = 90 %; 36450 of 40500 possible = 90 %;
    # 34992 of 36450 good = 96 %; together 77.76 %.
    index = shift(
        [made(0, 480, 36450, 34992)],
        [down(0, 30, planned=True), down(100, 120), down(300, 325, reason="no cups")],
    )
    assert index.planned_minutes == 450
    assert index.run_minutes == 405
    assert index.availability == pytest.approx(0.9)
    assert index.performance == pytest.approx(0.9)
    assert index.quality == pytest.approx(0.96)
    assert index.oee == pytest.approx(0.7776)
    losses = {loss.reason: (loss.factor, round(loss.minutes, 2)) for loss in index.losses()}
    assert losses == {
        "slow running and short stops": ("performance", 40.5),
        "no cups": ("availability", 25.0),
        "jam": ("availability", 20.0),
        "rejected units": ("quality", 14.58),
    }


def test_stops_that_overlap_count_once():
    index = shift(
        [made(0, 480, 100, 100)],
        [
            down(0, 60, planned=True),
            down(30, 90),
            down(80, 100, reason="no air"),
            down(85, 95, reason="door open"),
        ],
    )
    assert index.planned_minutes == 420
    assert {x.reason: x.minutes for x in index.stops} == {"jam": 30, "no air": 10, "door open": 0}
    assert index.run_minutes == 380


def test_a_count_across_the_edge_is_shared_by_time():
    index = shift([made(-60, 60, 1200, 1000), made(60, 480, 4200, 4200)], [])
    assert index.produced == pytest.approx(4800)
    assert index.good == pytest.approx(4700)


def test_a_stop_that_lasts_counts_until_the_end():
    index = shift([made(0, 240, 24000, 24000)], [down(240, None)])
    assert index.oee == pytest.approx(0.5)


def test_a_line_that_made_nothing_has_no_oee_to_boast_of():
    stood = shift([], [down(0, 480)])
    assert (stood.availability, stood.performance, stood.quality, stood.oee) == (0, None, None, 0)
    idle = shift([made(0, 480, 0, 0)], [])
    assert (idle.availability, idle.performance, idle.quality, idle.oee) == (1, 0, None, 0)


def test_without_planned_time_or_records_there_is_no_oee():
    assert shift([], [down(-10, 500, planned=True)]).oee is None
    assert oee_index(at(0), at(480), [], [], 100) is None
    assert oee_index(at(0), at(480), [made(-60, 0, 5, 5)], [down(480, 490)], 100) is None


def test_faster_than_ideal_counts_as_full_performance():
    index = shift([made(0, 480, 60000, 60000)], [])
    assert index.too_fast
    assert index.oee == 1


minutes = st.integers(-100, 600)
counts = st.lists(
    st.builds(
        lambda start, length, total, rejected: made(start, start + length, total, total - rejected),
        minutes,
        st.integers(1, 120),
        st.integers(0, 20_000),
        st.integers(-5, 300),
    ),
    max_size=8,
)
stops = st.lists(
    st.builds(
        lambda start, length, planned, reason: down(
            start, None if length is None else start + length, planned, reason
        ),
        minutes,
        st.none() | st.integers(0, 300),
        st.booleans(),
        st.sampled_from(("jam", "no cups", "door open")),
    ),
    max_size=8,
)


@given(counts, stops)
def test_oee_is_the_product_of_its_factors_and_losses_explain_the_rest(
    some: list[ProductionCount], others: list[Downtime]
):
    index = oee_index(at(0), at(480), some, others, ideal_rate=100)
    if index is None or index.oee is None:
        return
    assert 0 <= index.oee <= 1
    if index.availability and index.performance and index.quality:
        product = index.availability * index.performance * index.quality
        assert index.oee == pytest.approx(product)
    lost = sum(loss.minutes for loss in index.losses())
    assert lost == pytest.approx(index.planned_minutes * (1 - index.oee), abs=1e-6)


def hours(first: float, last: float, total: int, good: int) -> list[dict]:
    """Hourly counts from `first` to `last` hours ago."""
    step = int(first - last)
    return [count(ago(hours=first - i), 60, total, good) for i in range(step)]


def value(found: Findings, name: str) -> object:
    return next(fact.value for fact in found.facts if fact.name == name)


async def ask(plant: Plant, **arguments: str) -> Findings:
    return await get_oee.run(plant, get_oee.check(arguments))


async def test_the_tool_reports_factors_losses_and_throughput(tmp_path: Path):
    rows = {
        "production_counts": hours(8, 0, 4800, 4656),
        "downtimes": [
            stop(ago(hours=8), ago(hours=7.5), "cleaning", planned=True),
            stop(ago(hours=3), ago(hours=2.5), "cup jam"),
        ],
    }
    found = await ask(build_plant(tmp_path, rows), line="cup line", window="8h")
    # 450 planned, 420 run, 38400 of 42000 made, 97 % good
    assert value(found, "availability") == 93.3
    assert value(found, "performance") == 91.4
    assert value(found, "quality") == 97.0
    assert value(found, "OEE") == 82.8
    assert value(found, "produced") == 38400
    assert value(found, "throughput") == 5120
    assert value(found, "lost to cup jam") == 30.0
    assert found.mentions == ("LA 82.8",)
    assert found.tables[0].rows[0] == (
        "slow running and short stops", "performance", 36.0, 8.0,
    )  # fmt: skip
    assert found.summary == (
        "Cup line, last 8 hours: OEE 82.8 % (availability 93.3 %, performance 91.4 %, "
        "quality 97 %), 38400 units made; largest loss slow running and short stops, 36 min."
    )
    assert not found.notices


async def test_the_tool_says_what_it_could_not_see(tmp_path: Path):
    rows = {
        "production_counts": hours(5, 2, 6000, 6000),
        "downtimes": [stop(ago(hours=2), None, "belt torn")],
    }
    found = await ask(build_plant(tmp_path, rows), line="LA", window="8h")
    assert value(found, "availability") == 60.0
    assert value(found, "stopped since") == NOW - timedelta(hours=2)
    assert "Records begin at 2026-11-21 08:00." in found.notices
    assert "CV-5 has stood still since 2026-11-21 11:00: belt torn." in found.notices


async def test_records_that_end_early_are_said_to(tmp_path: Path):
    rows = {"production_counts": hours(8, 3, 6000, 6000)}
    found = await ask(build_plant(tmp_path, rows), line="LA", window="8h")
    assert value(found, "planned production time") == 300.0
    assert found.notices == ("Records end at 2026-11-21 10:00.",)


async def test_no_records_and_no_planned_time_are_honest(tmp_path: Path):
    rows = {"downtimes": [stop(ago(hours=9), None, "plant holiday", planned=True)]}
    plant = build_plant(tmp_path, rows)
    holiday = await ask(plant, line="LA", window="8h")
    assert holiday.summary == "Cup line, last 8 hours: no production was planned."
    assert "OEE" not in {fact.name for fact in holiday.facts}
    empty = await ask(plant, line="bottle line")
    assert empty.summary == "Bottle line, last 24 hours: there are no production records."
    with pytest.raises(Retry, match="Cup line"):
        await ask(plant, line="line 7")
