"""A frozen server takes the write when it thaws, long after the executor has given up waiting."""

from collections.abc import Mapping

import pytest
from faults.changes import acknowledge, command, set_to
from faults.opcua_proxy import Proxy
from faults.plc import Plc

from copilot.executor.actuators import Actuator
from copilot_tools.changes import Change
from copilot_tools.errors import Denied

KEY = "5e" * 16


@pytest.mark.parametrize(
    ("change", "request_kind", "shows"),
    [
        (set_to("speed", 1050.0, 1000.0), "WriteRequest", 1050.0),
        (command("stop", "running"), "CallRequest", "stopped"),
        (command("reset", "running"), "WriteRequest", "reset"),
        (acknowledge(), "CallRequest", True),
    ],
    ids=lambda value: value.says if isinstance(value, Change) else "",
)
async def test_a_late_effect_is_uncertain_then_seen_and_never_asked_for_twice(
    plc: Plc,
    proxy: Proxy,
    acting: Mapping[str, Actuator],
    change: Change,
    request_kind: str,
    shows: object,
):
    actuator = acting[change.tool]
    await actuator.prepare(change)
    proxy.arm(request_kind, 1, "pass", call=plc.freeze)
    assert (await actuator.send(change, KEY)).outcome == "uncertain"
    assert plc.taken() == []
    with pytest.raises(Denied, match="not prepared"):
        await actuator.send(change, KEY)
    plc.thaw()
    seen = await actuator.read_back(change, KEY)
    assert (seen.effect, seen.value) == ("applied", shows)
    assert len(plc.taken()) == 1


async def test_what_a_frozen_server_shows_is_unclear(plc: Plc, acting: Mapping[str, Actuator]):
    setpoints, change = acting["write_setpoint"], set_to("speed", 1050.0, 1000.0)
    await setpoints.prepare(change)
    assert (await setpoints.send(change, KEY)).outcome == "good"
    plc.freeze()
    seen = await setpoints.read_back(change, KEY)
    assert (seen.effect, seen.value) == ("unclear", None)
    plc.thaw()
    assert (await setpoints.read_back(change, KEY)).effect == "applied"
    assert len(plc.taken()) == 1


async def test_nothing_is_sent_to_a_server_that_froze_since_it_was_checked(
    plc: Plc, acting: Mapping[str, Actuator]
):
    setpoints, change = acting["write_setpoint"], set_to("speed", 1050.0, 1000.0)
    await setpoints.prepare(change)
    plc.freeze()
    assert (await setpoints.send(change, KEY)).outcome == "refused"
    plc.thaw()
    assert (await setpoints.read_back(change, KEY)).effect == "not_applied"
    assert plc.taken() == []
