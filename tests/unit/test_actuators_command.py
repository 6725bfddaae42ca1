from collections.abc import Mapping
from typing import Any

import pytest
from faults.changes import acknowledge, command
from faults.plc import SITE as TEXT
from faults.plc import Plc

from copilot.executor.actuators import Actuator, actuators
from copilot.executor.opcua_write import WriteConnection
from copilot_tools.changes import Change
from copilot_tools.errors import Denied
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Site

KEY = "5e" * 16
ABSENT: Any = None


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
    ("old", "new", "change", "why"),
    [
        ("", "", command("start", "stopped"), "is running already"),
        ("s=M-1.stop", "s=M-1.start", command("stop", "running"), "not the node"),
        ("s=M-1.stop", "s=M-1.gone", None, "not on the OPC UA server"),
        ("s=M-1.stop", "s=M-1.hot.Acknowledge", None, "wants other arguments"),
        ("s=M-1.stop", "s=M-1.state", None, "does not let the executor write it"),
        ("s=M-1.stop", "s=M-1.count_setpoint", None, "neither a method nor a switch"),
        ("s=M-1.stop", "s=M-1", None, "not a variable"),
        ('allowed = true\nexpects = ["stopped"]', "", None, "not allowed in the plant model"),
    ],
)
async def test_a_command_that_cannot_be_given_or_seen_is_refused(
    plc: Plc, opcua: WriteConnection, old: str, new: str, change: Change | None, why: str
):
    site = _site(old, new)
    with pytest.raises(Denied, match=why):
        await actuators(site, opcua, ABSENT)["send_command"].prepare(
            change or command("stop", "running", site)
        )
    assert plc.taken() == []


def _site(old: str, new: str) -> Site:
    assert old in TEXT
    return parse_site(TEXT.replace(old, new, 1) if old else TEXT)
