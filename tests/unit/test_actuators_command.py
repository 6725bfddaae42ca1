from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from faults.changes import SITE, acknowledge, command
from faults.plc import Plc

from copilot.executor.actuators import Actuator, actuators
from copilot.executor.opcua_write import WriteConnection
from copilot_tools.changes import Change
from copilot_tools.errors import Denied
from copilot_tools.site.model import Node, SafetyClass, Site

KEY = "5e" * 16
ABSENT: Any = None


def _at(name: str) -> Node:
    return Node("urn:works", f"s=M-1.{name}")


@pytest.mark.parametrize(
    ("change", "shows", "node"),
    [
        (command("stop", "running"), "stopped", "M-1.stop"),
        (command("reset", "running"), "reset", "M-1.reset"),
        (acknowledge("bearing checked"), True, "M-1.hot.Acknowledge"),
    ],
    ids=lambda value: value.says if isinstance(value, Change) else "",
)
async def test_a_command_is_given_once_and_judged_by_what_the_machine_shows(
    plc: Plc, acting: Mapping[str, Actuator], change: Change, shows: object, node: str
):
    actuator = acting[change.tool]
    await actuator.prepare(change)
    assert plc.taken() == []
    assert (await actuator.send(change, KEY)).outcome == "good"
    seen = await actuator.read_back(change, KEY)
    assert (seen.effect, seen.value) == ("applied", shows)
    with pytest.raises(Denied, match="not prepared"):
        await actuator.send(change, KEY)
    (taken,) = plc.taken()
    assert taken["node"] == node


async def test_the_comment_of_an_acknowledgement_reaches_the_server(
    plc: Plc, acting: Mapping[str, Actuator]
):
    change = acknowledge("bearing checked")
    await acting["acknowledge_alarm"].prepare(change)
    await acting["acknowledge_alarm"].send(change, KEY)
    (taken,) = plc.taken()
    assert taken["value"] == "bearing checked"


async def test_an_alarm_that_came_again_since_is_not_acknowledged(
    plc: Plc, acting: Mapping[str, Actuator]
):
    change = acknowledge()
    await acting["acknowledge_alarm"].prepare(change)
    plc.order(values={"M-1.hot.EventId": "event-2"})
    sent = await acting["acknowledge_alarm"].send(change, KEY)
    assert (sent.outcome, sent.status) == ("refused", "BadEventIdUnknown")
    assert (await acting["acknowledge_alarm"].read_back(change, KEY)).effect == "not_applied"


async def test_an_acknowledged_alarm_is_left_alone(plc: Plc, acting: Mapping[str, Actuator]):
    plc.order(values={"M-1.hot.AckedState.Id": True})
    with pytest.raises(Denied, match="acknowledged already"):
        await acting["acknowledge_alarm"].prepare(acknowledge())
    assert plc.taken() == []


@pytest.mark.parametrize(
    ("answer", "values", "effect"),
    [
        ({"status": "Good", "takes": False}, {}, "not_applied"),
        ({"status": "Good", "takes": False}, {"M-1.state": "tripped"}, "unclear"),
        ({"status": "Good", "takes": False}, {"M-1.state": "stopped"}, "applied"),
    ],
    ids=str,
)
async def test_the_state_of_the_machine_decides(
    plc: Plc,
    acting: Mapping[str, Actuator],
    answer: dict[str, Any],
    values: dict[str, str],
    effect: str,
):
    stop = command("stop", "running")
    plc.order(answers={"M-1.stop": answer})
    await acting["send_command"].prepare(stop)
    assert (await acting["send_command"].send(stop, KEY)).outcome == "good"
    plc.order(values=values)
    assert (await acting["send_command"].read_back(stop, KEY)).effect == effect


@pytest.mark.parametrize(
    ("differs", "change", "why"),
    [
        ({}, command("start", "stopped"), "is running already"),
        ({"node": _at("start")}, command("stop", "running"), "not the node"),
        ({"node": _at("gone")}, None, "not on the OPC UA server"),
        ({"node": _at("hot.Acknowledge")}, None, "wants other arguments"),
        ({"node": _at("state")}, None, "does not let the executor write it"),
        ({"node": _at("count_setpoint")}, None, "neither a method nor a switch"),
        ({"node": Node("urn:works", "s=M-1")}, None, "not a variable"),
        ({"allowed": False}, None, "not allowed in the plant model"),
        ({"safety": SafetyClass.SIS}, None, "belongs to the safety system"),
    ],
)
async def test_a_command_that_cannot_be_given_or_seen_is_refused(
    plc: Plc, opcua: WriteConnection, differs: dict[str, Any], change: Change | None, why: str
):
    site = _site(differs)
    with pytest.raises(Denied, match=why):
        await actuators(site, opcua, ABSENT)["send_command"].prepare(
            change or command("stop", "running", site)
        )
    assert plc.taken() == []


async def test_what_the_last_look_has_against_it_is_not_sent(
    plc: Plc, acting: Mapping[str, Actuator]
):
    async def look() -> None:
        raise Denied("its time was up")

    for change in (command("stop", "running"), acknowledge()):
        await acting[change.tool].prepare(change)
        with pytest.raises(Denied, match="its time was up"):
            await acting[change.tool].send(change, KEY, look)
    assert plc.taken() == []


def _site(differs: Mapping[str, Any]) -> Site:
    """The works, with another command to stop."""
    mixer = SITE.assets["M-1"]
    commands = (replace(c, **differs) if c.name == "stop" else c for c in mixer.commands)
    return replace(SITE, assets={"M-1": replace(mixer, commands=tuple(commands))})
