from collections.abc import Mapping
from dataclasses import replace

import pytest
from faults.changes import SITE, set_to
from faults.opcua_proxy import Action, Proxy
from faults.plc import Plc

from copilot.executor.actuators import Actuator
from copilot.executor.handshake import HandshakeActuator
from copilot.executor.opcua_write import WriteConnection
from copilot_tools.errors import Denied
from copilot_tools.site.model import Node

KEY = "5e" * 16
PRESSURE = set_to("pressure", 6.5, 6.0)


@pytest.fixture
def block(opcua: WriteConnection) -> HandshakeActuator:
    return HandshakeActuator(SITE, opcua, valid_s=1.5)


async def test_a_setpoint_with_a_command_block_goes_through_it(
    plc: Plc, acting: Mapping[str, Actuator]
):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(PRESSURE)
    assert plc.taken() == []
    sent = await setpoints.send(PRESSURE, KEY)
    assert (sent.outcome, sent.status) == ("good", "the controller took the command")
    seen = await setpoints.read_back(PRESSURE, KEY)
    assert (seen.effect, seen.value) == ("applied", 6.5)
    assert plc.taken() == [{"node": "M-1.pressure_setpoint", "value": 6.5}]


async def test_what_the_controller_turns_down_is_refused(plc: Plc, block: HandshakeActuator):
    plc.order(values={"M-1.lockout": True})
    await block.prepare(PRESSURE)
    sent = await block.send(PRESSURE, KEY)
    assert (sent.outcome, sent.status) == ("refused", "the controller does not take commands now")
    seen = await block.read_back(PRESSURE, KEY)
    assert (seen.effect, seen.value) == ("not_applied", 6.0)
    assert plc.taken() == []


async def test_without_an_echo_nobody_knows(plc: Plc, block: HandshakeActuator):
    plc.order(answers={"M-1.pressure_command": {"deaf": True}})
    await block.prepare(PRESSURE)
    assert (await block.send(PRESSURE, KEY)).outcome == "uncertain"
    seen = await block.read_back(PRESSURE, KEY)
    assert (seen.effect, seen.value) == ("not_applied", 6.0)


@pytest.mark.parametrize(
    ("kind", "action"),
    [("WriteRequest", "cut after"), ("WriteResponse", "cut before"), ("WriteResponse", "drop")],
)
async def test_a_lost_answer_to_the_strobe_is_found_in_the_echo(
    plc: Plc, proxy: Proxy, block: HandshakeActuator, kind: str, action: Action
):
    await block.prepare(PRESSURE)
    proxy.arm(kind, 2, action)
    assert (await block.send(PRESSURE, KEY)).outcome == "good"
    assert proxy.fired
    assert (await block.read_back(PRESSURE, KEY)).effect == "applied"
    assert len(plc.taken()) == 1


@pytest.mark.parametrize(
    ("kind", "action"),
    [("WriteRequest", "cut before"), ("WriteRequest", "cut after"), ("WriteResponse", "drop")],
)
async def test_a_block_that_could_not_be_filled_is_never_strobed(
    plc: Plc, proxy: Proxy, block: HandshakeActuator, kind: str, action: Action
):
    await block.prepare(PRESSURE)
    proxy.arm(kind, 1, action)
    sent = await block.send(PRESSURE, KEY)
    assert (sent.outcome, "never strobed" in sent.status) == ("refused", True)
    assert (await block.read_back(PRESSURE, KEY)).effect == "not_applied"
    assert plc.taken() == []


async def test_a_strobe_that_arrives_too_late_has_expired(
    plc: Plc, proxy: Proxy, opcua: WriteConnection
):
    block = HandshakeActuator(SITE, opcua, valid_s=0.5)
    await block.prepare(PRESSURE)
    proxy.arm("WriteRequest", 2, "pass", call=plc.freeze)
    assert (await block.send(PRESSURE, KEY)).outcome == "uncertain"
    plc.thaw()
    seen = await block.read_back(PRESSURE, KEY)
    assert (seen.effect, seen.status) == ("not_applied", "the controller found the command expired")
    assert plc.taken() == []


async def test_another_actuator_finds_the_echo_of_a_dead_one(
    plc: Plc, opcua: WriteConnection, block: HandshakeActuator
):
    await block.prepare(PRESSURE)
    await block.send(PRESSURE, KEY)
    later = HandshakeActuator(SITE, opcua, valid_s=1.0)
    assert (await later.read_back(PRESSURE, KEY)).effect == "applied"
    assert (await later.read_back(PRESSURE, "another id")).effect == "unclear"


async def test_a_block_that_is_filled_is_not_strobed_when_the_last_look_has_something_against_it(
    plc: Plc, block: HandshakeActuator
):
    async def look() -> None:
        raise Denied("stopped by boss")

    await block.prepare(PRESSURE)
    with pytest.raises(Denied, match="stopped by boss"):
        await block.send(PRESSURE, KEY, look)
    assert (await block.read_back(PRESSURE, KEY)).effect == "not_applied"
    assert plc.taken() == []


@pytest.mark.parametrize("folder", [None, Node("urn:works", "s=M-2.pressure_command")])
async def test_a_block_that_is_not_the_approved_one_is_left_alone(
    acting: Mapping[str, Actuator], folder: Node | None
):
    change = replace(PRESSURE, target=replace(PRESSURE.target, block=folder))
    with pytest.raises(Denied, match="not written through the command block that was approved"):
        await acting["write_setpoint"].prepare(change)


async def test_the_block_takes_only_what_its_own_value_node_allows(
    plc: Plc, block: HandshakeActuator
):
    with pytest.raises(Denied, match="9.75 bar is outside 0 to 9.5 bar that the server allows"):
        await block.prepare(set_to("pressure", 9.75, 6.0))
    assert plc.taken() == []


async def test_a_value_that_is_there_already_does_not_get_to_the_block(block: HandshakeActuator):
    with pytest.raises(Denied, match="its effect could not be told"):
        await block.prepare(set_to("pressure", 6.0, 5.0))


async def test_a_busy_block_is_left_alone(plc: Plc, block: HandshakeActuator):
    plc.order(values={"M-1.pressure_command.strobe": True})
    with pytest.raises(Denied, match="busy"):
        await block.prepare(PRESSURE)
    assert plc.taken() == []


async def test_a_value_that_the_server_does_not_allow_never_gets_to_the_block(
    plc: Plc, block: HandshakeActuator
):
    with pytest.raises(Denied, match="outside 0 to 10 bar that the server allows"):
        await block.prepare(set_to("pressure", 11.0, 6.0))
    with pytest.raises(Denied, match="not prepared"):
        await block.send(replace(PRESSURE, new=11.0), KEY)
    assert plc.taken() == []
