"""The server comes back with a reset value, with other namespace indices, or without ours."""

from collections.abc import Mapping

import pytest
from faults.changes import acknowledge, command, set_to
from faults.plc import Plc

from copilot.executor.actuators import Actuator
from copilot_tools.changes import Change
from copilot_tools.errors import Denied

KEY = "5e" * 16
SPEED = set_to("speed", 1050.0, 1000.0)
CHANGES = [SPEED, set_to("pressure", 6.5, 6.0), command("stop", "running"), acknowledge()]


async def test_a_value_that_a_restart_has_reset_is_not_taken_for_applied(
    plc: Plc, acting: Mapping[str, Actuator]
):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(SPEED)
    assert (await setpoints.send(SPEED, KEY)).outcome == "good"
    plc.kill()
    plc.start()
    seen = await setpoints.read_back(SPEED, KEY)
    assert (seen.effect, seen.value) == ("not_applied", 1000.0)
    assert len(plc.taken()) == 1


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.says)
async def test_what_was_checked_before_a_restart_is_not_sent_after_it(
    plc: Plc, acting: Mapping[str, Actuator], change: Change
):
    actuator = acting[change.tool]
    await actuator.prepare(change)
    plc.kill()
    plc.start(fillers=3)
    assert (await actuator.send(change, KEY)).outcome == "refused"
    assert plc.taken() == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.says)
async def test_another_namespace_index_still_means_the_same_node(
    plc: Plc, acting: Mapping[str, Actuator], change: Change
):
    actuator = acting[change.tool]
    await actuator.prepare(change)
    plc.kill()
    plc.start(fillers=3)
    await actuator.prepare(change)
    assert (await actuator.send(change, KEY)).outcome == "good"
    assert (await actuator.read_back(change, KEY)).effect == "applied"
    assert len(plc.taken()) == 1
    assert plc.taken("wrong node") == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.says)
async def test_without_its_namespace_nothing_is_sent(
    plc: Plc, acting: Mapping[str, Actuator], change: Change
):
    plc.kill()
    plc.start(uri="urn:other")
    with pytest.raises(Denied):
        await acting[change.tool].prepare(change)
    with pytest.raises(Denied, match="not prepared"):
        await acting[change.tool].send(change, KEY)
    assert plc.taken() == []
