"""The server answered Good, but what it shows afterwards is not what was written."""

from collections.abc import Mapping
from typing import Any

import pytest
from faults.changes import set_to
from faults.plc import Plc

from copilot.executor.actuators import Actuator

KEY = "5e" * 16
SPEED = set_to("speed", 1050.0, 1000.0)


@pytest.mark.parametrize(
    ("answer", "effect"),
    [
        ({"shows": ""}, "applied"),
        ({"shows": "clamped"}, "unclear"),
        ({"shows": "oscillating"}, "unclear"),
        ({"shows": "stale"}, "unclear"),
        ({"shows": "bad"}, "unclear"),
        ({"shows": "uncertain"}, "unclear"),
        ({"takes": False}, "not_applied"),
    ],
    ids=str,
)
async def test_only_the_new_value_that_holds_still_is_applied(
    plc: Plc, acting: Mapping[str, Actuator], answer: dict[str, Any], effect: str
):
    setpoints = acting["write_setpoint"]
    plc.order(answers={"M-1.speed_setpoint": answer})
    await setpoints.prepare(SPEED)
    assert (await setpoints.send(SPEED, KEY)).outcome == "good"
    seen = await setpoints.read_back(SPEED, KEY)
    assert seen.effect == effect, seen
    assert len(plc.taken()) == answer.get("takes", True)


async def test_a_value_that_comes_good_later_is_seen_when_asked_again(
    plc: Plc, acting: Mapping[str, Actuator]
):
    setpoints = acting["write_setpoint"]
    plc.order(answers={"M-1.speed_setpoint": {"shows": "bad"}})
    await setpoints.prepare(SPEED)
    await setpoints.send(SPEED, KEY)
    assert (await setpoints.read_back(SPEED, KEY)).effect == "unclear"
    plc.order(values={"M-1.speed_setpoint": 1050.0})
    assert (await setpoints.read_back(SPEED, KEY)).effect == "applied"
    assert len(plc.taken()) == 1
