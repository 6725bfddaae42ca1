"""25: the network between executor and plant is cut: before, while and after a write is sent."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from account_fixture import PASSWORD
from executor_fixture import Floor, wait_for_text
from faults.opcua_proxy import Action, Proxy

from copilot.accounts.step_up import Meaning
from copilot.approvals.states import State


@pytest.fixture
async def wire(floor: Floor) -> AsyncIterator[Proxy]:
    """What the executor reaches the controller through; everybody else reaches it directly."""
    async with Proxy(floor.plc.url) as proxy:
        floor.configure(opcua=proxy.url)
        yield proxy


async def test_a_plant_out_of_reach_is_waited_for(floor: Floor, wire: Proxy) -> None:
    wire.refuse()
    record = await asyncio.to_thread(floor.ready)
    process = floor.start()
    await asyncio.to_thread(wait_for_text, process, f"#{record.number} waits: the plant")
    assert floor.state(record) is State.READY
    assert floor.written() == []
    wire.accept()
    await asyncio.to_thread(floor.wait_for, record, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()


async def test_but_not_for_longer_than_its_time(floor: Floor, wire: Proxy) -> None:
    wire.refuse()
    process = floor.start()
    await asyncio.to_thread(process.wait_until_ready)
    record = await asyncio.to_thread(lambda: floor.ready(ttl_s=2.0))
    await asyncio.to_thread(floor.wait_for, record, State.EXPIRED)
    wire.accept()
    assert floor.execution(record) is None
    assert floor.written() == []
    floor.check()


@pytest.mark.parametrize(
    ("action", "effect", "written"),
    [("cut before", "not_applied", []), ("cut after", "applied", [1050.0])],
)
async def test_cut_while_sending_is_unknown_and_never_sent_again(
    floor: Floor, wire: Proxy, action: Action, effect: str, written: list[float]
) -> None:
    wire.arm("WriteRequest", 1, action)
    record = await asyncio.to_thread(floor.ready)
    floor.start()
    ended = await asyncio.to_thread(floor.wait_for, record, State.UNKNOWN)
    result = floor.execution(record).result
    assert result["sent"]["outcome"] == "uncertain"
    assert result["seen"]["effect"] == effect
    assert floor.written() == written
    meaning: Meaning = "resolve_applied" if written else "resolve_not_applied"
    nonce = floor.step_ups.issue("boss", PASSWORD, record.payload_hash, meaning)
    floor.desk.resolve(ended.number, "boss", nonce, bool(written), "seen on the machine")
    assert floor.written() == written
    floor.check()


async def test_cut_before_reading_back_is_not_taken_for_done(floor: Floor, wire: Proxy) -> None:
    process = floor.start(COPILOT_STOP_AT="before read back")
    record = await asyncio.to_thread(floor.ready)
    await asyncio.to_thread(process.wait_until_stopped)
    wire.refuse()
    process.go_on()
    await asyncio.to_thread(floor.wait_for, record, State.UNKNOWN)
    assert floor.written() == [1050.0]
    floor.check()
