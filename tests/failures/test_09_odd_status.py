"""Status codes that are neither plain success nor plain refusal."""

from collections.abc import Mapping
from typing import Any

import pytest
from faults.changes import command, set_to
from faults.plc import Plc

from copilot.executor.actuators import Actuator

KEY = "5e" * 16
SPEED = set_to("speed", 1050.0, 1000.0)


@pytest.mark.parametrize(
    ("answer", "outcome", "effect"),
    [
        ({"status": "Good"}, "good", "applied"),
        ({"status": "GoodClamped", "shows": "clamped"}, "uncertain", "unclear"),
        ({"status": "GoodClamped"}, "uncertain", "applied"),
        ({"status": "GoodLocalOverride", "takes": False}, "uncertain", "not_applied"),
        ({"status": "GoodCompletesAsynchronously", "takes": False}, "uncertain", "not_applied"),
        ({"status": "UncertainInitialValue"}, "uncertain", "applied"),
        ({"status": "UncertainInitialValue", "takes": False}, "uncertain", "not_applied"),
        ({"status": "BadTimeout", "takes": True}, "uncertain", "applied"),
        ({"status": "BadTimeout"}, "uncertain", "not_applied"),
        ({"status": "BadInternalError", "takes": True}, "uncertain", "applied"),
        ({"status": "BadCommunicationError", "takes": True}, "uncertain", "applied"),
        ({"status": "BadUserAccessDenied"}, "refused", "not_applied"),
        ({"status": "BadOutOfRange"}, "refused", "not_applied"),
        ({"status": "BadNotWritable"}, "refused", "not_applied"),
        ({"status": "BadTypeMismatch"}, "refused", "not_applied"),
        ({"status": "BadWriteNotSupported"}, "refused", "not_applied"),
    ],
    ids=str,
)
async def test_only_good_is_good_and_only_a_proven_refusal_is_one(
    plc: Plc, acting: Mapping[str, Actuator], answer: dict[str, Any], outcome: str, effect: str
):
    setpoints = acting["write_setpoint"]
    plc.order(answers={"M-1.speed_setpoint": answer})
    await setpoints.prepare(SPEED)
    sent = await setpoints.send(SPEED, KEY)
    assert (sent.outcome, sent.status) == (outcome, answer["status"])
    assert (await setpoints.read_back(SPEED, KEY)).effect == effect
    assert len(plc.taken()) == answer.get("takes", not answer["status"].startswith("Bad"))


@pytest.mark.parametrize(
    ("status", "takes", "outcome", "effect"),
    [
        ("BadTimeout", True, "uncertain", "applied"),
        ("BadTimeout", False, "uncertain", "not_applied"),
        ("BadInvalidState", False, "refused", "not_applied"),
        ("BadUserAccessDenied", False, "refused", "not_applied"),
    ],
)
async def test_a_method_is_judged_the_same_way(
    plc: Plc, acting: Mapping[str, Actuator], status: str, takes: bool, outcome: str, effect: str
):
    stop = command("stop", "running")
    plc.order(answers={"M-1.stop": {"status": status, "takes": takes}})
    await acting["send_command"].prepare(stop)
    assert (await acting["send_command"].send(stop, KEY)).outcome == outcome
    assert (await acting["send_command"].read_back(stop, KEY)).effect == effect
    assert len(plc.taken()) == takes


async def test_a_machine_under_lockout_turns_commands_down(
    plc: Plc, acting: Mapping[str, Actuator]
):
    stop = command("stop", "running")
    await acting["send_command"].prepare(stop)
    plc.order(values={"M-1.lockout": True})
    sent = await acting["send_command"].send(stop, KEY)
    assert (sent.outcome, sent.status) == ("refused", "BadInvalidState")
    assert plc.taken() == []
