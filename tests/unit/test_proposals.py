from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from plant_fixture import build_plant, part, production_order

from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import Denied, Retry, Unavailable
from copilot_tools.facts import Findings, Quality
from copilot_tools.plant import Plant
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Node
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.protocols import AlarmState, Reading

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
[[asset.setpoint]]
name = "speed"
node = "s=K-1.speed_sp"
unit = "rpm"
bounds = [500.0, 1500.0]
max_step = 100.0
[[asset.setpoint]]
name = "overspeed trip"
node = "s=K-1.trip"
unit = "rpm"
bounds = [1500.0, 1800.0]
safety = "sis"
[[asset.command]]
name = "start"
node = "s=K-1.start"
[[asset.alarm]]
id = "ALM-7"
message = "high vibration"
severity = "high"
node = "s=K-1.alarms.vib"
"""
)


class Live:
    """Live values and standing alarms as given; every write would be an AttributeError."""

    def __init__(self, speed: float | None, acknowledged: bool = False) -> None:
        self.speed = speed
        self.acknowledged = acknowledged

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        if self.speed is None:
            raise Unavailable("OPC UA", "no route", NOW)
        return [Reading(node, self.speed, Quality.GOOD, NOW, "Good") for node in nodes]

    async def standing(self) -> list[AlarmState]:
        return [AlarmState(alarm, True, self.acknowledged, NOW) for alarm in SITE.alarms()]

    async def close(self) -> None:
        return None


@pytest.fixture
def site(tmp_path: Path) -> Plant:
    rows = {
        "parts": [
            part("BRG-1", "bearing"),
            part("SEAL-1", "shaft seal"),
            part("SEAL-2", "lip seal"),
        ],
        "production_orders": [production_order("PRD-12", "cups")],
    }
    live = Live(1000.0)
    return replace(
        build_plant(tmp_path, rows), site=SITE, resolver=Resolver(SITE), telemetry=live, alarms=live
    )


async def propose(plant: Plant, tool: str, **arguments: Any) -> Findings:
    call = CATALOGUE.check({"tool": tool, **arguments})
    return await CATALOGUE[tool].run(plant, call)


async def test_a_setpoint_shows_old_and_new(site: Plant):
    findings = await propose(site, "write_setpoint", asset="main fan", setpoint="speed", value=1050)
    assert findings.summary == "Would be proposed: K-1 speed 1000 rpm -> 1050 rpm."
    assert findings.notices == ()


async def test_a_step_too_large_is_said(site: Plant):
    findings = await propose(site, "write_setpoint", asset="K-1", setpoint="speed", value=1400)
    assert findings.notices == (
        "That is more than the largest step of 100 rpm: policy would refuse it.",
    )


@pytest.mark.parametrize("value", [499.9, 1500.1, -1e9])
async def test_a_value_out_of_bounds_would_not_be_proposed(site: Plant, value: float):
    findings = await propose(site, "write_setpoint", asset="K-1", setpoint="speed", value=value)
    assert findings.summary.startswith("Would not be proposed: K-1 speed")
    assert "500 to 1500 rpm" in findings.summary


async def test_a_safety_setpoint_is_denied(site: Plant):
    with pytest.raises(Denied, match="safety system"):
        await propose(site, "write_setpoint", asset="K-1", setpoint="overspeed trip", value=1600)


async def test_without_live_value_the_old_value_is_not_guessed(site: Plant):
    dead = replace(site, telemetry=Live(None))
    findings = await propose(dead, "write_setpoint", asset="K-1", setpoint="speed", value=1050)
    assert findings.summary == "Would be proposed: K-1 speed 1050 rpm."
    assert "cannot be seen" in findings.notices[0]


async def test_a_command_the_machine_does_not_offer_is_asked_back(site: Plant):
    assert (await propose(site, "send_command", asset="K-1", command="start")).summary == (
        "Would be proposed: start K-1 Main fan."
    )
    with pytest.raises(Retry, match="cannot open: it offers start"):
        await propose(site, "send_command", asset="K-1", command="open")


async def test_parts_are_found_or_asked_back(site: Plant):
    findings = await propose(site, "reserve_part", part="bearing", quantity=6)
    assert findings.summary == "Would be proposed: reserve 6 pcs BRG-1 bearing (fits PU-1, PU-2)."
    assert findings.notices == ("Only 4 pcs available.",)
    with pytest.raises(Retry, match="Which part") as asked:
        await propose(site, "request_purchase", part="seal", quantity=1)
    assert {c.key for c in asked.value.candidates} == {"SEAL-1", "SEAL-2"}
    with pytest.raises(Retry, match="I know no part"):
        await propose(site, "reserve_part", part="flux capacitor", quantity=1)


async def test_only_known_batches_are_held(site: Plant):
    assert (await propose(site, "hold_batch", batch="b 12")).summary == (
        "Would be proposed: quality hold on batch B-12."
    )
    with pytest.raises(Retry, match="I know no batch"):
        await propose(site, "hold_batch", batch="B-99")


async def test_only_standing_alarms_are_acknowledged(site: Plant):
    for words in ("ALM-7", "high vibration", "the high vibration on K-1"):
        findings = await propose(site, "acknowledge_alarm", alarm=words)
        assert findings.summary == "Would be proposed: acknowledge ALM-7 high vibration on K-1."
    with pytest.raises(Retry, match="Standing alarms: ALM-7"):
        await propose(site, "acknowledge_alarm", alarm="door open")


async def test_an_acknowledged_alarm_is_not_acknowledged_again(site: Plant):
    known = replace(site, alarms=Live(1000.0, acknowledged=True))
    findings = await propose(known, "acknowledge_alarm", alarm="ALM-7")
    assert findings.summary == "ALM-7 high vibration on K-1 is acknowledged already."


async def test_a_work_order_names_machine_and_priority(site: Plant):
    findings = await propose(site, "create_work_order", asset="K-1", title="grease the bearings")
    assert findings.summary == (
        "Would be proposed: work order for K-1 Main fan, medium priority: grease the bearings."
    )
