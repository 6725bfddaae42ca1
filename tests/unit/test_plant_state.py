from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_tools.changes import Precondition, Target
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quality, Value
from copilot_tools.plant import Plant
from copilot_tools.plant_state import Observation, differences, observe, preconditions
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Node
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.protocols import AlarmState, Reading

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITE = parse_site(
    """\
[site]
id = "mill"
name = "Mill"
time_zone = "UTC"
namespace = "urn:mill"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "R-1"
name = "Roller"
kind = "roller"
area = "A"
state = "s=R-1.state"
lockout = "s=R-1.locked"
[[asset.signal]]
name = "load"
node = "s=R-1.load"
unit = "%"
[[asset.setpoint]]
name = "speed"
node = "s=R-1.speed"
unit = "rpm"
bounds = [100.0, 900.0]
resolution = 1.0
tolerance = 2.0
writable = true
watch = [{ signal = "load", tolerance = 10.0 }]
[[asset.command]]
name = "stop"
node = "s=R-1.stop"
allowed = true
expects = ["stopped"]
[[asset.alarm]]
id = "ALM-1"
message = "hot"
severity = "high"
node = "s=R-1.hot"
[[asset.alarm]]
id = "ALM-2"
message = "dry"
severity = "high"
node = "s=R-1.dry"
[[asset]]
id = "R-2"
name = "Second roller"
kind = "roller"
area = "A"
[[asset.setpoint]]
name = "speed"
node = "s=R-2.speed"
bounds = [100.0, 900.0]
[[asset.alarm]]
id = "ALM-3"
message = "jam"
severity = "high"
node = "s=R-2.jam"
"""
)
SPEED = Target("setpoint", "R-1.speed", "R-1", Node("urn:mill", "s=R-1.speed"))
STOP = Target("command", "R-1.stop", "R-1", Node("urn:mill", "s=R-1.stop"))
ALARM = Target("alarm", "ALM-1", "R-1", Node("urn:mill", "s=R-1.hot"))


class Mill:
    """Live values and alarms to be turned by a test; each may be dead."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {
            "s=R-1.state": "running",
            "s=R-1.locked": False,
            "s=R-1.speed": 500.0,
            "s=R-1.load": 40.0,
            "s=R-2.speed": 300.0,
        }
        self.quality: dict[str, Quality] = {}
        self.alarms = [self.alarm("ALM-1")]
        self.dead = False
        self.mute = False
        self.reads = 0

    def alarm(self, id_: str, active: bool = True, acknowledged: bool = False) -> AlarmState:
        definition = next(alarm for alarm in SITE.alarms() if alarm.id == id_)
        return AlarmState(definition, active, acknowledged, NOW)

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        self.reads += 1
        if self.dead:
            raise Unavailable("OPC UA server", "no route")
        return [
            Reading(
                node,
                self.values[node.identifier],
                self.quality.get(node.identifier, Quality.GOOD),
                NOW,
                "Status",
            )
            for node in nodes
        ]

    async def standing(self) -> list[AlarmState]:
        if self.mute:
            raise Unavailable("alarms", "no route")
        return self.alarms

    async def close(self) -> None:
        return None


@pytest.fixture
def mill() -> Mill:
    return Mill()


def plant_of(mill: Mill) -> Plant:
    absent: Any = None
    return Plant(
        site=SITE,
        resolver=Resolver(SITE),
        telemetry=mill,
        history=absent,
        alarms=mill,
        journal=absent,
        erp=absent,
        inspections=absent,
        library=absent,
        now=lambda: NOW,
    )


async def look(mill: Mill, target: Target) -> Observation:
    return await observe(plant_of(mill), target)


async def shown(mill: Mill, target: Target) -> tuple[Precondition, ...]:
    return preconditions(SITE, await look(mill, target))


async def test_a_setpoint_is_observed_with_its_machine_in_one_read(mill: Mill):
    seen = await look(mill, SPEED)
    assert mill.reads == 1
    assert seen.at == NOW
    assert seen.live is not None
    assert seen.state is not None
    assert seen.lockout is not None
    assert (seen.live.value, seen.state.value, seen.lockout.value) == (500.0, "running", False)
    assert seen.watched["load"].value == 40.0
    assert seen.alarms == (mill.alarm("ALM-1"),)
    assert seen.problems == ()


async def test_what_is_shown_of_a_setpoint_says_within_what_it_must_hold(mill: Mill):
    found = {(p.subject, p.name): (p.kind, p.shown, p.unit, p.tolerance) for p in await shown(
        mill, SPEED
    )}  # fmt: skip
    assert found == {
        ("R-1", "state"): ("state", "running", "", 0.0),
        ("R-1", "lock-out"): ("lockout", False, "", 0.0),
        ("R-1", "active alarms"): ("alarms", "ALM-1", "", 0.0),
        ("R-1.speed", "set value"): ("value", 500.0, "rpm", 2.0),
        ("R-1", "load"): ("value", 40.0, "%", 10.0),
    }


async def test_a_command_is_bound_to_its_machine_but_to_no_value(mill: Mill):
    assert [p.name for p in await shown(mill, STOP)] == ["state", "lock-out", "active alarms"]


async def test_records_are_bound_to_nothing_of_the_plant(mill: Mill):
    assert await shown(mill, Target("part", "SEAL-1")) == ()
    assert await shown(mill, Target("asset", "R-1:12345678", "R-1")) == ()
    assert mill.reads == 1


async def test_nothing_differs_while_nothing_changes(mill: Mill):
    for target in (SPEED, STOP, ALARM):
        before = await shown(mill, target)
        assert differences(before, await look(mill, target)) == ()


@pytest.mark.parametrize(
    ("node", "value", "says"),
    [
        ("s=R-1.state", "stopped", "R-1 state was running, is stopped"),
        ("s=R-1.state", None, "R-1 state cannot be read now"),
        ("s=R-1.locked", True, "R-1 lock-out was off, is on"),
        ("s=R-1.speed", 502.5, "R-1.speed set value was 500 rpm, is 502.5 rpm"),
        ("s=R-1.speed", "fast", "R-1.speed set value was 500 rpm, is fast"),
        ("s=R-1.speed", True, "R-1.speed set value was 500 rpm, is on"),
        ("s=R-1.load", 50.5, "R-1 load was 40 %, is 50.5 %"),
    ],
)
async def test_what_changed_is_said(mill: Mill, node: str, value: Value, says: str):
    before = await shown(mill, SPEED)
    mill.values[node] = value
    assert differences(before, await look(mill, SPEED)) == (says,)


@pytest.mark.parametrize(("node", "value"), [("s=R-1.speed", 502.0), ("s=R-1.load", 30.0)])
async def test_a_value_may_move_by_its_tolerance(mill: Mill, node: str, value: float):
    before = await shown(mill, SPEED)
    mill.values[node] = value
    assert differences(before, await look(mill, SPEED)) == ()


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_holds_only_within_its_tolerance(value: float):
    before = (Precondition("value", "R-1.speed", "set value", 500.0, NOW, tolerance=2.0),)
    live = Reading(Node("urn:mill", "s=R-1.speed"), value, Quality.GOOD, NOW, "Good")
    now = Observation(NOW, SPEED, live=live)
    assert (differences(before, now) == ()) == (abs(value - 500.0) <= 2.0 + 1e-9)


@pytest.mark.parametrize(
    ("node", "quality"),
    [
        *product(
            ["s=R-1.state", "s=R-1.locked", "s=R-1.speed", "s=R-1.load"],
            [Quality.BAD, Quality.UNCERTAIN],
        ),
        *product(["s=R-1.state", "s=R-1.locked", "s=R-1.load"], [Quality.STALE]),
    ],
)
async def test_a_reading_that_is_not_good_is_a_difference(mill: Mill, node: str, quality: Quality):
    before = await shown(mill, SPEED)
    mill.quality[node] = quality
    now = await look(mill, SPEED)
    (line,) = differences(before, now)
    assert f"is of {quality} quality now (Status)" in line
    (problem,) = now.problems
    assert f"is of {quality} quality (Status)" in problem


async def test_a_setpoint_at_rest_is_as_old_as_the_look_at_it(mill: Mill):
    mill.quality["s=R-1.speed"] = Quality.STALE
    seen = await look(mill, SPEED)
    assert seen.live is not None
    assert (seen.live.quality, seen.live.time, seen.problems) == (Quality.GOOD, seen.at, ())


async def test_alarms_that_come_or_go_are_a_difference(mill: Mill):
    before = await shown(mill, SPEED)
    mill.alarms = [mill.alarm("ALM-1"), mill.alarm("ALM-2"), mill.alarm("ALM-3")]
    assert differences(before, await look(mill, SPEED)) == (
        "R-1 active alarms: shown ALM-1, now ALM-1,ALM-2",
    )
    mill.alarms = [mill.alarm("ALM-1", active=False)]
    assert differences(before, await look(mill, SPEED)) == (
        "R-1 active alarms: shown ALM-1, now none",
    )


async def test_an_acknowledgement_is_bound_to_its_alarm_alone(mill: Mill):
    mill.alarms = [mill.alarm("ALM-1", active=False)]
    before = await shown(mill, ALARM)
    mill.alarms.append(mill.alarm("ALM-2"))
    mill.values["s=R-1.state"] = "stopped"
    assert differences(before, await look(mill, ALARM)) == ()
    mill.alarms = [mill.alarm("ALM-1", acknowledged=True)]
    assert differences(before, await look(mill, ALARM)) == (
        "R-1 unacknowledged alarm: shown ALM-1 since 2026-11-21T12:00:00.000000Z, now none",
    )


async def test_an_alarm_raised_anew_is_not_the_one_that_was_shown(mill: Mill):
    before = await shown(mill, ALARM)
    mill.alarms = [replace(mill.alarms[0], since=NOW + timedelta(microseconds=1))]
    assert differences(before, await look(mill, ALARM)) == (
        "R-1 unacknowledged alarm: shown ALM-1 since 2026-11-21T12:00:00.000000Z, "
        "now ALM-1 since 2026-11-21T12:00:00.000001Z",
    )


async def test_another_command_block_is_another_target(mill: Mill):
    seen = await look(mill, replace(SPEED, block=Node("urn:mill", "s=R-1.command")))
    assert seen.live is None
    assert "no longer the same node" in seen.problems[0]


async def test_a_dead_server_is_a_problem_and_everything_differs(mill: Mill):
    before = await shown(mill, SPEED)
    mill.dead = mill.mute = True
    now = await look(mill, SPEED)
    assert len(now.problems) == 2
    assert now.alarms is None
    assert len(differences(before, now)) == len(before) == 5
    assert preconditions(SITE, now) == ()


async def test_a_machine_without_lockout_or_state_says_so(mill: Mill):
    node = Node("urn:mill", "s=R-2.speed")
    seen = await look(mill, Target("setpoint", "R-2.speed", "R-2", node))
    assert seen.problems == (
        "R-2 has no state in the plant model",
        "R-2 has no lock-out in the plant model",
    )
    assert seen.live is not None


async def test_a_target_the_plant_model_no_longer_means_is_not_read(mill: Mill):
    moved = replace(SPEED, node=Node("urn:mill", "s=R-1.load"))
    before = await shown(mill, SPEED)
    seen = await look(mill, moved)
    assert seen.live is None
    assert "no longer the same node" in seen.problems[0]
    assert "R-1.speed set value cannot be read now" in differences(before, seen)
    gone = await look(mill, Target("setpoint", "R-9.speed", "R-9", SPEED.node))
    assert gone.problems == ("R-9 is not in the plant model",)


async def test_what_was_shown_of_another_target_differs(mill: Mill):
    before = await shown(mill, SPEED)
    node = Node("urn:mill", "s=R-2.speed")
    other = await look(mill, Target("setpoint", "R-2.speed", "R-2", node))
    assert len(differences(before, other)) == 5


def test_times_do_not_matter_to_what_holds():
    before = (Precondition("value", "R-1.speed", "set value", 500.0, NOW, tolerance=2.0),)
    node = Node("urn:mill", "s=R-1.speed")
    later = NOW + timedelta(minutes=20)
    live = Reading(node, 500.0, Quality.GOOD, later, "Good")
    assert differences(before, Observation(later, SPEED, live=live)) == ()
