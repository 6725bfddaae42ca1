"""The server dies before the write, in the middle of it, or before it is read back."""

from collections.abc import Mapping

import pytest
from faults.changes import set_to
from faults.opcua_proxy import Action, Proxy
from faults.plc import Plc

from copilot.executor.actuators import Actuator
from copilot.executor.opcua_write import WriteConnection
from copilot_tools.errors import Denied, Unavailable

KEY = "5e" * 16
CHANGE = set_to("speed", 1050.0, 1000.0)


async def test_nothing_is_sent_when_the_server_is_killed_before_the_write(
    plc: Plc, acting: Mapping[str, Actuator]
):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(CHANGE)
    plc.kill()
    assert (await setpoints.send(CHANGE, KEY)).outcome == "refused"
    assert plc.taken() == []


async def test_a_server_that_is_killed_with_the_write_on_its_way_leaves_it_uncertain(
    plc: Plc, proxy: Proxy, acting: Mapping[str, Actuator]
):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(CHANGE)
    proxy.arm("WriteRequest", 1, "pass", call=plc.kill)
    assert (await setpoints.send(CHANGE, KEY)).outcome == "uncertain"
    assert (await setpoints.read_back(CHANGE, KEY)).effect == "unclear"
    plc.start()
    seen = await setpoints.read_back(CHANGE, KEY)
    assert (seen.effect, seen.value) == ("not_applied", 1000.0)
    assert plc.taken() == []


@pytest.mark.parametrize(
    ("kind", "action", "writes"),
    [
        ("WriteRequest", "cut before", 0),
        ("WriteRequest", "cut after", 1),
        ("WriteResponse", "cut before", 1),
        ("WriteRequest", "drop", 0),
        ("WriteResponse", "drop", 1),
    ],
)
async def test_a_lost_write_or_answer_is_uncertain_and_never_sent_again(
    plc: Plc,
    proxy: Proxy,
    acting: Mapping[str, Actuator],
    kind: str,
    action: Action,
    writes: int,
):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(CHANGE)
    proxy.arm(kind, 1, action)
    assert (await setpoints.send(CHANGE, KEY)).outcome == "uncertain"
    seen = await setpoints.read_back(CHANGE, KEY)
    assert len(plc.taken()) == writes
    assert seen.effect == ("applied" if writes else "not_applied")
    with pytest.raises(Denied, match="not prepared"):
        await setpoints.send(CHANGE, KEY)
    assert len(plc.taken()) == writes


async def test_a_server_that_is_killed_before_the_read_back_leaves_it_unclear(
    plc: Plc, acting: Mapping[str, Actuator]
):
    setpoints = acting["write_setpoint"]
    await setpoints.prepare(CHANGE)
    assert (await setpoints.send(CHANGE, KEY)).outcome == "good"
    plc.kill()
    seen = await setpoints.read_back(CHANGE, KEY)
    assert (seen.effect, seen.value) == ("unclear", None)
    assert len(plc.taken()) == 1


@pytest.mark.parametrize("kind", ["Request", "Response"])
async def test_a_wire_that_is_cut_at_any_message_never_makes_two_writes_nor_a_wrong_claim(
    plc: Plc, proxy: Proxy, opcua: WriteConnection, acting: Mapping[str, Actuator], kind: str
):
    setpoints = acting["write_setpoint"]
    for number in range(1, 100):
        plc.renew()
        await opcua.renew()
        proxy.arm(kind, number, "cut before")
        outcome = "not prepared"
        try:
            await setpoints.prepare(CHANGE)
            outcome = (await setpoints.send(CHANGE, KEY)).outcome
        except Unavailable:
            pass  # Before anything was sent.
        cut = proxy.fired
        writes = len(plc.taken())
        expected = {"good": (1,), "uncertain": (0, 1), "refused": (0,), "not prepared": (0,)}
        assert writes in expected[outcome]
        if outcome != "not prepared":
            seen = await setpoints.read_back(CHANGE, KEY)
            assert seen.effect == ("applied" if writes else "not_applied")
        assert len(plc.taken()) == writes
        if not cut:
            assert outcome == "good"
            return
    pytest.fail("the change never went through")
