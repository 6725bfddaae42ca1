from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from plant_fixture import build_plant, part, production_order

from copilot.events import Outcome, Problem
from copilot.grounding import ungrounded
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.changes import Change, Target
from copilot_tools.errors import Denied, Retry, ToolError, Unavailable
from copilot_tools.facts import Findings, Quality, Value
from copilot_tools.plant import Plant
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Node
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.protocols import AlarmState, Reading
from copilot_tools.tool import Call

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITE = parse_site(
    """\
[site]
id = "kiln"
name = "Kiln"
time_zone = "UTC"
namespace = "urn:kiln"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "K-1"
name = "Main fan"
kind = "fan"
area = "A"
state = "s=K-1.state"
lockout = "s=K-1.locked_out"
[[asset.setpoint]]
name = "speed"
node = "s=K-1.speed_sp"
unit = "rpm"
bounds = [500.0, 1500.0]
max_step = 100.0
writable = true
resolution = 0.5
[[asset.setpoint]]
name = "damper"
node = "s=K-1.damper"
unit = "%"
bounds = [0.0, 100.0]
[[asset.setpoint]]
name = "overspeed trip"
node = "s=K-1.trip"
unit = "rpm"
bounds = [1500.0, 1800.0]
safety = "sis"
[[asset.command]]
name = "start"
node = "s=K-1.start"
allowed = true
expects = ["running", "idle"]
[[asset.setpoint]]
name = "guide vane"
node = "s=K-1.vane"
unit = "%"
bounds = [0.0, 2000.0]
resolution = 1.0
tolerance = 5.0
writable = true
handshake = "s=K-1.vane_command"
[[asset.command]]
name = "reset"
node = "s=K-1.reset"
[[asset.command]]
name = "close"
node = "s=K-1.close"
safety = "sis"
[[asset.alarm]]
id = "ALM-7"
message = "high vibration"
severity = "high"
node = "s=K-1.alarms.vib"
"""
)


class Live:
    """Live values by node and standing alarms as given; every write would be an AttributeError."""

    def __init__(
        self,
        speed: Value,
        state: str = "stopped",
        quality: Quality = Quality.GOOD,
        acknowledged: bool = False,
    ) -> None:
        self.values: dict[str, Value] = {
            "s=K-1.speed_sp": speed,
            "s=K-1.vane": 1000.0,
            "s=K-1.state": state,
        }
        self.quality = quality
        self.acknowledged = acknowledged

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        values = ((node, self.values[node.identifier]) for node in nodes)
        return [Reading(node, value, self.quality, NOW, "Good") for node, value in values]

    async def standing(self) -> list[AlarmState]:
        return [AlarmState(alarm, True, self.acknowledged, NOW) for alarm in SITE.alarms()]

    async def close(self) -> None:
        return None


class Dead(Live):
    """A server that does not answer."""

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        raise Unavailable("OPC UA", "no route", NOW)


@pytest.fixture
def site(tmp_path: Path) -> Plant:
    rows = {
        "parts": [
            part("BRG-1", "bearing"),
            part("SEAL-1", "shaft seal"),
            part("SEAL-2", "lip seal"),
        ],
        "production_orders": [production_order(f"PRD-{n}", "cups") for n in (12, 13)],
        "batch_holds": [
            {"batch": "B-13", "reason": "", "placed": NOW.replace(tzinfo=None), "placed_by": "qa"}
        ],
    }
    live = Live(1000.0)
    return replace(
        build_plant(tmp_path, rows), site=SITE, resolver=Resolver(SITE), telemetry=live, alarms=live
    )


async def propose(plant: Plant, tool: str, **arguments: Any) -> Findings:
    call = CATALOGUE.check({"tool": tool, **arguments})
    return await CATALOGUE[tool].run(plant, call)


async def change(plant: Plant, tool: str, **arguments: Any) -> Change:
    findings = await propose(plant, tool, **arguments)
    assert findings.change is not None
    assert findings.change.says == findings.summary
    assert findings.change.tool == tool
    assert findings.change.preconditions == ()
    return findings.change


async def set_speed(plant: Plant, value: float, **arguments: Any) -> Change:
    return await change(
        plant, "write_setpoint", asset="main fan", setpoint="speed", value=value, **arguments
    )


async def test_a_setpoint_shows_old_and_new(site: Plant):
    asked = await set_speed(site, 1050.0, reason="too hot")
    assert asked.says == "K-1 speed 1000 rpm -> 1050 rpm"
    node = Node("urn:kiln", "s=K-1.speed_sp")
    assert asked.target == Target("setpoint", "K-1.speed", "K-1", node)
    assert asked.arguments == {"asset": "K-1", "setpoint": "speed", "value": 1050.0}
    assert (asked.old, asked.new, asked.unit, asked.reason) == (1000.0, 1050.0, "rpm", "too hot")


async def test_a_setpoint_with_a_command_block_names_it(site: Plant):
    asked = await change(site, "write_setpoint", asset="K-1", setpoint="guide vane", value=1006.0)
    assert asked.target.block == Node("urn:kiln", "s=K-1.vane_command")


@pytest.mark.parametrize("value", [1005.0, 996.0])
async def test_a_change_within_the_tolerance_is_asked_back(site: Plant, value: float):
    with pytest.raises(Retry, match="could not be told from the present value"):
        await change(site, "write_setpoint", asset="K-1", setpoint="guide vane", value=value)


@pytest.mark.parametrize("present", [float("nan"), float("inf"), True, "fast"])
async def test_a_present_value_that_is_no_finite_number_is_unavailable(site: Plant, present: Value):
    with pytest.raises(Unavailable, match="not a number"):
        await set_speed(replace(site, telemetry=Live(present)), 1050.0)


async def test_a_command_of_the_safety_system_is_denied(site: Plant):
    with pytest.raises(Denied, match="safety system"):
        await change(site, "send_command", asset="K-1", command="close")


async def test_a_value_is_shown_to_its_resolution(site: Plant):
    assert (await set_speed(site, 1050.5)).says == "K-1 speed 1000 rpm -> 1050.5 rpm"


@pytest.mark.parametrize("value", [1100.5, 899.5, 1400.0])
async def test_a_step_too_large_is_denied(site: Plant, value: float):
    with pytest.raises(Denied, match="more than its largest step of 100 rpm"):
        await set_speed(site, value)


@pytest.mark.parametrize("value", [1100.0, 900.0])
async def test_the_largest_step_may_be_taken(site: Plant, value: float):
    assert (await set_speed(site, value)).new == value


@pytest.mark.parametrize("value", [499.9, 1500.1, -1e9])
async def test_a_value_out_of_bounds_is_denied(site: Plant, value: float):
    with pytest.raises(Denied, match="its bounds are 500 to 1500 rpm"):
        await set_speed(site, value)


@pytest.mark.parametrize("value", [1050.1, 1000.0000001])
async def test_a_value_between_two_steps_is_asked_back(site: Plant, value: float):
    with pytest.raises(Retry, match=r"is set in steps of 0\.5 rpm"):
        await set_speed(site, value)


@pytest.mark.parametrize("value", [5000.0, 499.9, -1e9, 1000.25, 1150.0, 1000.0])
async def test_every_number_of_a_refusal_was_said_or_stands_in_its_facts(site: Plant, value: float):
    arguments = {"asset": "main fan", "setpoint": "speed", "value": value}
    with pytest.raises(ToolError) as refused:
        await propose(site, "write_setpoint", **arguments)
    problem = Problem("denied", str(refused.value), facts=refused.value.facts)
    outcome = Outcome(0, Call("write_setpoint", arguments), problem, 0.0)
    assert any(letter.isdigit() for letter in problem.message.replace("K-1", ""))
    assert ungrounded(problem.message, [outcome], SITE.time_zone, ["K-1"]) == []
    bare = replace(outcome, result=replace(problem, facts=()))
    assert f"{abs(value):.12g}" not in ungrounded(problem.message, [bare], SITE.time_zone)
    assert ungrounded(f"{problem.message} Or 77?", [outcome], SITE.time_zone, ["K-1"]) == ["77"]


async def test_a_value_in_force_is_not_proposed_again(site: Plant):
    with pytest.raises(Retry, match="K-1 speed is 1000 rpm already"):
        await set_speed(site, 1000.0)


async def test_a_safety_setpoint_is_denied(site: Plant):
    with pytest.raises(Denied, match="safety system"):
        await propose(site, "write_setpoint", asset="K-1", setpoint="overspeed trip", value=1600)


async def test_a_setpoint_that_is_not_released_is_denied(site: Plant):
    with pytest.raises(Denied, match="K-1 damper is not among the setpoints"):
        await propose(site, "write_setpoint", asset="K-1", setpoint="damper", value=50)


async def test_without_a_live_value_nothing_is_proposed(site: Plant):
    with pytest.raises(Unavailable, match="no route"):
        await set_speed(replace(site, telemetry=Dead(1000.0)), 1050.0)


@pytest.mark.parametrize("present", [None, "fast", True])
async def test_a_present_value_that_is_no_number_is_not_changed(site: Plant, present: Value):
    with pytest.raises(Unavailable, match="the present value of K-1 speed"):
        await set_speed(replace(site, telemetry=Live(present)), 1050.0)


@pytest.mark.parametrize(
    ("quality", "error"),
    [(Quality.BAD, Unavailable), (Quality.UNCERTAIN, Denied)],
)
async def test_a_present_value_that_cannot_be_relied_on_is_not_changed(
    site: Plant, quality: Quality, error: type[ToolError]
):
    doubtful = replace(site, telemetry=Live(1000.0, quality=quality))
    with pytest.raises(error, match="present value of"):
        await set_speed(doubtful, 1050.0)
    with pytest.raises(error, match="the state of K-1"):
        await propose(doubtful, "send_command", asset="K-1", command="start")


async def test_a_setpoint_may_rest_while_a_state_may_not(site: Plant):
    rested = replace(site, telemetry=Live(1000.0, quality=Quality.STALE))
    assert (await set_speed(rested, 1050.0)).old == 1000.0
    with pytest.raises(Denied, match="the state of K-1 is stale"):
        await propose(rested, "send_command", asset="K-1", command="start")


async def test_a_command_shows_the_state_of_its_machine(site: Plant):
    asked = await change(site, "send_command", asset="K-1", command="start")
    assert asked.says == "start K-1 Main fan, now stopped"
    assert asked.target.key == "K-1.start"
    assert asked.arguments == {"asset": "K-1", "command": "start"}
    assert (asked.old, asked.new) == ("stopped", "running or idle")


async def test_a_command_the_machine_does_not_take_is_not_proposed(site: Plant):
    with pytest.raises(Retry, match="cannot open: it offers start, reset"):
        await propose(site, "send_command", asset="K-1", command="open")
    with pytest.raises(Denied, match="K-1 reset is not among the commands"):
        await propose(site, "send_command", asset="K-1", command="reset")
    running = replace(site, telemetry=Live(1000.0, state="running"))
    with pytest.raises(Retry, match="K-1 Main fan is running already"):
        await propose(running, "send_command", asset="K-1", command="start")


async def test_parts_are_found_or_asked_back(site: Plant):
    asked = await change(site, "reserve_part", part="bearing", quantity=4)
    assert asked.says == "reserve 4 pcs BRG-1 bearing (fits PU-1, PU-2)"
    assert asked.target == Target("part", "BRG-1")
    assert asked.arguments == {"part": "BRG-1", "quantity": 4}
    assert (asked.old, asked.unit) == (4.0, "pcs")
    with pytest.raises(Retry, match="Only 4 pcs BRG-1 bearing available"):
        await propose(site, "reserve_part", part="bearing", quantity=5)
    with pytest.raises(Retry, match="Which part") as asked_back:
        await propose(site, "request_purchase", part="seal", quantity=1)
    assert {c.key for c in asked_back.value.candidates} == {"SEAL-1", "SEAL-2"}
    with pytest.raises(Retry, match="I know no part"):
        await propose(site, "reserve_part", part="flux capacitor", quantity=1)


async def test_a_purchase_names_supplier_and_price(site: Plant):
    asked = await change(site, "request_purchase", part="SEAL-1", quantity=3)
    assert asked.says == (
        "buy 3 pcs SEAL-1 shaft seal (fits PU-1, PU-2) from Lagerhaus for 31.5 EUR"
    )
    assert asked.arguments == {
        "part": "SEAL-1",
        "quantity": 3,
        "unit_price": 10.5,
        "currency": "EUR",
        "supplier": "Lagerhaus",
    }
    assert (asked.new, asked.unit) == (3, "pcs")


async def test_only_known_batches_are_held_and_only_once(site: Plant):
    asked = await change(site, "hold_batch", batch="b 12", reason="loose caps")
    assert asked.says == "quality hold on batch B-12"
    assert asked.target == Target("batch", "B-12")
    assert (asked.arguments, asked.reason) == ({"batch": "B-12"}, "loose caps")
    with pytest.raises(Retry, match="I know no batch"):
        await propose(site, "hold_batch", batch="B-99")
    with pytest.raises(Retry, match="Batch B-13 is on hold already"):
        await propose(site, "hold_batch", batch="B-13")


async def test_only_standing_alarms_are_acknowledged(site: Plant):
    for words in ("ALM-7", "high vibration", "the high vibration on K-1"):
        asked = await change(site, "acknowledge_alarm", alarm=words, comment="seen")
        assert asked.says == "acknowledge ALM-7 high vibration on K-1"
        node = Node("urn:kiln", "s=K-1.alarms.vib")
        assert asked.target == Target("alarm", "ALM-7", "K-1", node)
        assert asked.arguments == {"alarm": "ALM-7", "comment": "seen"}
        assert asked.reason == "seen"
    with pytest.raises(Retry, match="Standing alarms: ALM-7"):
        await propose(site, "acknowledge_alarm", alarm="door open")


async def test_an_acknowledged_alarm_is_not_acknowledged_again(site: Plant):
    known = replace(site, alarms=Live(1000.0, acknowledged=True))
    findings = await propose(known, "acknowledge_alarm", alarm="ALM-7")
    assert findings.summary == "ALM-7 high vibration on K-1 is acknowledged already."
    assert findings.change is None


async def test_a_work_order_names_machine_and_priority(site: Plant):
    asked = await change(site, "create_work_order", asset="K-1", title="grease the bearings")
    assert asked.says == "work order for K-1 Main fan, medium priority: grease the bearings"
    assert asked.arguments == {
        "asset": "K-1",
        "title": "grease the bearings",
        "priority": "medium",
        "description": "",
    }
    same = await change(
        site, "create_work_order", asset="K-1", title="grease the bearings", priority="high"
    )
    other = await change(site, "create_work_order", asset="K-1", title="check the belt")
    assert asked.target == same.target
    assert asked.target != other.target
    assert asked.target.key.startswith("K-1:")


async def test_a_title_too_long_is_asked_back(site: Plant):
    with pytest.raises(Retry, match="at most 200 characters"):
        await propose(site, "create_work_order", asset="K-1", title="x" * 201)
