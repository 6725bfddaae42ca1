"""20: the clock jumps by an hour, to 1970, or stands in another time zone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from executor_fixture import Floor, utc_now

from copilot.approvals.states import State
from copilot.executor.clock import Clock
from copilot.executor.process import run

HOUR = timedelta(hours=1)
TO_1970 = datetime(1970, 1, 1, tzinfo=UTC) - utc_now()
JUMPS = [HOUR, -HOUR, TO_1970]


class Wall:
    """A clock on the wall that somebody sets."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self) -> datetime:
        return utc_now() + self.off


@asynccontextmanager
async def running(floor: Floor, wall: Wall) -> AsyncIterator[asyncio.Event]:
    """An executor by this clock; the event is set once it is up."""
    stop, up = asyncio.Event(), asyncio.Event()
    settings = floor.configure()
    work = asyncio.create_task(run(settings, stop, Clock(wall.now), lambda _text: up.set()))
    yield up
    stop.set()
    await work


@pytest.mark.parametrize("jump", JUMPS, ids=["forward", "back", "1970"])
async def test_after_a_jump_nothing_happens_until_the_clock_is_right(
    floor: Floor, jump: timedelta
) -> None:
    wall = Wall()
    async with running(floor, wall) as up:
        await up.wait()
        wall.off = jump
        record = await asyncio.to_thread(floor.ready)
        await asyncio.sleep(1.0)
        assert floor.state(record) is State.READY
        assert floor.written() == []
        wall.off = timedelta()
        await asyncio.to_thread(floor.wait_for, record, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()


@pytest.mark.parametrize("jump", [-HOUR, TO_1970], ids=["back", "1970"])
async def test_started_in_the_past_it_does_not_come_up(floor: Floor, jump: timedelta) -> None:
    wall = Wall()
    record = await asyncio.to_thread(floor.ready)
    wall.off = jump
    async with running(floor, wall) as up:
        await asyncio.sleep(1.0)
        assert not up.is_set()
    assert floor.state(record) is State.READY
    assert floor.written() == []
    async with running(floor, Wall()):
        await asyncio.to_thread(floor.wait_for, record, State.VERIFIED)
    floor.check()


async def test_started_in_the_future_everything_has_expired_for_good(floor: Floor) -> None:
    wall = Wall()
    record = await asyncio.to_thread(floor.ready)
    wall.off = HOUR
    async with running(floor, wall):
        await asyncio.to_thread(floor.wait_for, record, State.EXPIRED)
    assert floor.written() == []
    floor.check()


def test_the_time_zone_of_a_machine_is_nobodys_business(floor: Floor) -> None:
    record = floor.ready()
    floor.start(TZ="America/New_York")
    floor.wait_for(record, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()
