from datetime import timedelta
from pathlib import Path

import pytest
from telemetry_fixture import NOW, Works, build_works, fact

from copilot_tools.errors import Retry, Unavailable
from copilot_tools.facts import Quality
from copilot_tools.telemetry import read_signals

DOWN = Unavailable("OPC UA server", "nothing listens at its address", NOW - timedelta(minutes=3))


@pytest.fixture
def works(tmp_path: Path) -> Works:
    works = build_works(tmp_path)
    works.telemetry.set("K-1.state", "running")
    works.telemetry.set("K-1.speed", 1450.0)
    works.telemetry.set("K-1.flow", 52.5)
    works.telemetry.set("K-1.bearing", 71.2)
    works.telemetry.set("K-1.vibration", 2.4)
    works.telemetry.set("K-1.hours", 812.0)
    works.telemetry.set("K-1.target", 1450.0, time=NOW - timedelta(days=9))
    return works


async def test_all_signals_with_unit_quality_time_and_normal_range(works: Works):
    found = await works.ask(read_signals, asset="raw pump")
    flow = fact(found, "flow")
    assert (flow.subject, flow.value, flow.unit, flow.quality) == (
        "K-1",
        52.5,
        "m3/h",
        Quality.GOOD,
    )
    assert (flow.time, flow.normal and flow.normal.high) == (NOW, 60.0)
    assert flow.source.reference == "nsu=urn:small;s=K-1.flow"
    assert found.summary.startswith("K-1 Raw pump (running): speed 1450 rpm; flow 52.5 m3/h;")
    assert found.mentions[:3] == ("K-1 Raw pump", "speed 1450", "flow 52.5")
    assert len(found.tables[0].rows) == 5


async def test_only_the_signals_that_are_named(works: Works):
    found = await works.ask(read_signals, asset="K-1", signals=["bearing temp", "flow"])
    assert [f.name for f in found.facts] == ["bearing temperature", "flow", "state"]


async def test_an_unknown_name_is_asked_back_and_the_others_are_answered(works: Works):
    found = await works.ask(read_signals, asset="K-1", signals=["flow", "colour"])
    assert fact(found, "flow").value == 52.5
    assert "I know no signal of K-1 'colour'" in found.notices[0]


async def test_unknown_names_alone_are_asked_back(works: Works):
    with pytest.raises(Retry, match="no signal of K-1 'colour'"):
        await works.ask(read_signals, asset="K-1", signals=["colour"])


async def test_a_signal_that_is_the_machine_itself_means_all_of_them(works: Works):
    found = await works.ask(read_signals, asset="K-1", signals=["raw pump"])
    assert len(found.tables[0].rows) == 5


async def test_the_state_alone(works: Works):
    found = await works.ask(read_signals, asset="K-1", signals=["state"])
    assert found.summary == "K-1 Raw pump is running."


async def test_a_setpoint_is_read_however_long_it_has_stood(works: Works):
    works.telemetry.set("K-1.target", 1450.0, Quality.STALE)
    found = await works.ask(read_signals, asset="K-1", signals=["speed setpoint"])
    assert fact(found, "speed setpoint").quality is Quality.GOOD
    assert "speed setpoint 1450 rpm" in found.summary


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (62.0, "outside its normal range 40 to 60"),
        (20.0, "below its low limit of 30 m3/h"),
        (5.0, "below its low-low limit of 10 m3/h"),
        (90.0, "above its high limit of 80 m3/h"),
    ],
)
async def test_an_unusual_value_is_said_to_be_so(works: Works, value: float, says: str):
    works.telemetry.set("K-1.flow", value)
    found = await works.ask(read_signals, asset="K-1", signals=["flow"])
    assert says in found.summary


@pytest.mark.parametrize(
    ("value", "quality", "status", "says"),
    [
        (None, Quality.BAD, "BadSensorFailure", "flow has no good value (BadSensorFailure)"),
        (52.5, Quality.STALE, "Good", "flow is not current, last 52.5 m3/h at 2026-11-21 13:00"),
        (52.5, Quality.UNCERTAIN, "UncertainInitialValue", "(uncertain: UncertainInitialValue)"),
    ],
)
async def test_a_value_that_cannot_be_trusted_is_never_current(
    works: Works, value: float | None, quality: Quality, status: str, says: str
):
    works.telemetry.set("K-1.flow", value, quality, status)
    found = await works.ask(read_signals, asset="K-1", signals=["flow"])
    assert says in found.summary
    assert fact(found, "flow").quality is quality
    assert found.mentions == ("K-1 Raw pump",)


async def test_unusual_values_are_told_first_when_there_are_many(works: Works):
    works.telemetry.set("K-1.hours", None, Quality.BAD, "BadOutOfService")
    found = await works.ask(read_signals, asset="K-1")
    assert "running hours has no good value" in found.summary


async def test_a_value_that_stopped_moving_is_perhaps_frozen(works: Works):
    moving = [50 + 0.3 * (n % 7) for n in range(600)]
    works.store(K_1__flow=[*moving, *[52.5] * 60])
    found = await works.ask(read_signals, asset="K-1", signals=["flow"])
    assert "unchanged since 2026-11-21 12:00 and so perhaps frozen" in found.summary
    assert fact(found, "flow").quality is Quality.UNCERTAIN


async def test_a_machine_at_rest_may_rest(works: Works):
    works.telemetry.set("K-1.state", "stopped")
    works.telemetry.set("K-1.flow", 0.0)
    works.store(K_1__flow=[*[50 + 0.3 * (n % 7) for n in range(600)], *[0.0] * 60])
    found = await works.ask(read_signals, asset="K-1", signals=["flow"])
    assert found.summary == "K-1 Raw pump (stopped): flow 0 m3/h."
    assert fact(found, "flow").normal is None


async def test_while_the_server_is_down_stored_values_are_given_as_old(works: Works):
    works.telemetry.down = DOWN
    works.store(NOW - timedelta(minutes=10), K_1__flow=[51.0, 51.5])
    found = await works.ask(read_signals, asset="K-1", signals=["flow"])
    assert "no live values, OPC UA server is not reachable" in found.summary
    assert "last answered at 2026-11-21 12:57" in found.summary
    assert found.notices == (
        "Last stored, not live: flow 51.5 m3/h, 11 min old (2026-11-21 12:49).",
    )
    assert all(f.quality is not Quality.GOOD for f in found.facts if f.value == 51.5)
    assert found.mentions == ("K-1 Raw pump",)


async def test_a_dead_server_without_stored_values_is_unavailable(works: Works):
    works.telemetry.down = DOWN
    with pytest.raises(Unavailable, match="OPC UA server is not reachable") as caught:
        await works.ask(read_signals, asset="K-1")
    assert caught.value.since == DOWN.since


async def test_an_ambiguous_machine_is_asked_back(works: Works):
    with pytest.raises(Retry, match=r"K-1 Raw pump, K-2 Spare pump"):
        await works.ask(read_signals, asset="pump")
