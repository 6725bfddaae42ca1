from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from faults.changes import SITE, set_to
from faults.opcua_proxy import Proxy
from faults.plc import Plc
from faults.plc_server import PASSWORD, USER

from copilot.executor.actuators import Actuator, actuators
from copilot.executor.opcua_write import WriteConnection
from copilot.executor.outcome import Effect
from copilot.executor.setpoint import judge_value
from copilot_tools.changes import Change
from copilot_tools.errors import Denied, Unavailable
from copilot_tools.facts import Quality
from copilot_tools.site.model import Node, Site
from copilot_tools.sources.protocols import Reading

KEY = "5e" * 16
SPEED = set_to("speed", 1050.0, 1000.0)
ABSENT: Any = None


def _at(name: str) -> Node:
    return Node("urn:works", f"s=M-1.{name}")


@pytest.mark.parametrize(
    ("change", "held"),
    [
        (SPEED, 1050.0),
        (set_to("speed", 500, 1000.0), 500.0),
        (set_to("count", 41.0, 40), 41),
        (set_to("torque", 3.6, 3.5), pytest.approx(3.6)),
    ],
    ids=lambda value: value.says if isinstance(value, Change) else "",
)
async def test_a_value_is_written_once_in_the_type_of_its_node(
    plc: Plc, acting: Mapping[str, Actuator], change: Change, held: float
):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(change)
    assert plc.taken() == []
    sent = await setpoints.send(change, KEY)
    assert (sent.outcome, sent.status) == ("good", "Good")
    seen = await setpoints.read_back(change, KEY)
    assert (seen.effect, seen.value, seen.unit) == ("applied", held, change.unit)
    (taken,) = plc.taken()
    assert taken["value"] == held


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (set_to("speed", 1600.0, 1000.0), "outside 500 to 1500 rpm that the server allows"),
        (set_to("speed", 300.0, 1000.0), "outside 400 to 2000 rpm that the plant model allows"),
        (set_to("speed", float("nan"), 1000.0), "not a number"),
        (set_to("speed", float("inf"), 1000.0), "not a number"),
        (replace(SPEED, new=True), "not a number"),
        (replace(SPEED, new="1050"), "not a number"),
        (replace(SPEED, new=None), "not a number"),
        (replace(SPEED, unit="%"), "is in rpm, the change is in %"),
        (set_to("count", 41.5, 40), "whole numbers only"),
        (set_to("closed", 1700.0, 1800.0), "does not let the executor write it"),
        (set_to("trip", 1700.0, 1800.0), "belongs to the safety system"),
        (replace(SPEED, target=replace(SPEED.target, key="M-1.flow")), "not the node"),
        (
            replace(SPEED, target=replace(SPEED.target, node=Node("urn:works", "s=M-1.other"))),
            "not the node in the plant model that was approved",
        ),
        (
            replace(SPEED, target=replace(SPEED.target, block=Node("urn:works", "s=M-1.block"))),
            "not written through the command block that was approved",
        ),
        (set_to("speed", 1000.5, 1000.0), "its effect could not be told"),
        (set_to("speed", 1000.5, 900.0), "1000.5 rpm is within tolerance of 1000.0"),
        (set_to("speed", 900.5, 900.0), "900.5 rpm is within tolerance of 900.0"),
    ],
)
async def test_what_cannot_be_written_is_refused_before_anything_is_sent(
    plc: Plc, acting: Mapping[str, Actuator], change: Change, why: str
):
    with pytest.raises(Denied, match=why):
        await acting["write_setpoint"].prepare(change)
    with pytest.raises(Denied, match="not prepared"):
        await acting["write_setpoint"].send(change, KEY)
    assert plc.taken() == []


@pytest.mark.parametrize(
    ("differs", "why"),
    [
        ({"node": _at("gone")}, "not on the OPC UA server"),
        ({"node": _at("start")}, "not a variable"),
        ({"node": _at("reset")}, "holds Boolean, not a number"),
        ({"node": Node("urn:x", "s=y")}, "does not know the namespace"),
        ({"node": _at("torque_setpoint"), "unit": "%"}, "in Nm, the plant model in %"),
        ({"writable": False}, "not writable in the plant model"),
    ],
)
async def test_a_plant_model_that_does_not_fit_the_server_writes_nothing(
    plc: Plc, opcua: WriteConnection, differs: dict[str, Any], why: str
):
    site = _site(differs)
    change = set_to("speed", 500.0, 1000.0, site)
    with pytest.raises(Denied, match=why):
        await actuators(site, opcua, ABSENT)["write_setpoint"].prepare(change)
    assert plc.taken() == []


async def test_only_the_very_change_that_was_prepared_is_sent(
    plc: Plc, acting: Mapping[str, Actuator]
):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(SPEED)
    with pytest.raises(Denied, match="not prepared"):
        await setpoints.send(set_to("speed", 1400.0, 1000.0), KEY)
    assert plc.taken() == []


async def test_what_the_last_look_has_against_it_is_not_sent(
    plc: Plc, acting: Mapping[str, Actuator]
):
    async def look() -> None:
        raise Denied("its time was up")

    await acting["write_setpoint"].prepare(SPEED)
    with pytest.raises(Denied, match="its time was up"):
        await acting["write_setpoint"].send(SPEED, KEY, look)
    assert plc.taken() == []


@pytest.mark.parametrize(
    ("value", "new", "refused", "effect"),
    [
        (1000.0, 1000.5, False, "unclear"),
        (1000.0, 1000.5, True, "not_applied"),
        (1000.4, 1000.8, False, "unclear"),
        (1000.8, 1000.8, False, "applied"),
        (1000.8, 1000.8, True, "applied"),
        (1000.0, 1050.0, False, "not_applied"),
        (1020.0, 1050.0, True, "unclear"),
    ],
)
def test_a_reading_that_also_fits_the_old_value_is_never_applied(
    value: float, new: float, refused: bool, effect: Effect
):
    setpoint = SITE.setpoint("M-1.speed")
    assert setpoint is not None
    judge = judge_value(setpoint, set_to("speed", new, 1000.0), None, refused=refused)
    reading = Reading(setpoint.node, value, Quality.GOOD, datetime.now(UTC), "Good")
    assert judge(reading) == effect


async def test_it_cannot_be_sent_twice(plc: Plc, acting: Mapping[str, Actuator]):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(SPEED)
    await setpoints.send(SPEED, KEY)
    with pytest.raises(Denied, match="not prepared"):
        await setpoints.send(SPEED, KEY)
    assert len(plc.taken()) == 1


async def test_another_actuator_reads_back_what_a_dead_one_has_sent(
    plc: Plc, proxy: Proxy, acting: Mapping[str, Actuator]
):
    await acting["write_setpoint"].prepare(SPEED)
    await acting["write_setpoint"].send(SPEED, KEY)
    later = WriteConnection(proxy.url, USER, PASSWORD)
    seen = await actuators(SITE, later, ABSENT)["write_setpoint"].read_back(SPEED, KEY)
    await later.close()
    assert seen.effect == "applied"
    assert len(plc.taken()) == 1


async def test_a_reader_without_the_right_to_write_changes_nothing(plc: Plc, proxy: Proxy):
    anonymous = WriteConnection(proxy.url)
    setpoints = actuators(SITE, anonymous, ABSENT)["write_setpoint"]
    await setpoints.prepare(SPEED)
    sent = await setpoints.send(SPEED, KEY)
    await anonymous.close()
    assert (sent.outcome, sent.status) == ("refused", "BadUserAccessDenied")
    assert plc.taken() == []


async def test_a_wrong_password_and_an_absent_server_are_said_in_one_line(plc: Plc):
    wrong = WriteConnection(plc.url, USER, "wrong")
    with pytest.raises(Unavailable, match="the name or the password is wrong"):
        await actuators(SITE, wrong, ABSENT)["write_setpoint"].prepare(SPEED)
    await wrong.close()
    plc.kill()
    with pytest.raises(Unavailable, match="nothing listens at its address"):
        await actuators(SITE, wrong, ABSENT)["write_setpoint"].prepare(SPEED)


def _site(differs: Mapping[str, Any]) -> Site:
    """The works, with another speed setpoint."""
    mixer = SITE.assets["M-1"]
    speed, *others = mixer.setpoints
    assert speed.name == "speed"
    mixer = replace(mixer, setpoints=(replace(speed, **differs), *others))
    return replace(SITE, assets={"M-1": mixer})
