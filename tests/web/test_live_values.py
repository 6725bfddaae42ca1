"""Live values: read once for all, judged as the tool does, never kept longer than they are good."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from web_fixture import NOON, Works

from copilot.web.live.frozen import UNMOVED_FOR
from copilot.web.live.outbox import ROOM, Outbox, frame
from copilot.web.live.points import place, scale, watchable
from copilot.web.live.pulse import Pulse
from copilot.web.live.run_feed import wanted_runs
from copilot.web.live.values import LiveValues
from copilot_tools.facts import Range
from copilot_tools.site.model import Limits, Node, Signal
from copilot_tools.sources.protocols import Samples

CURRENT = "M-1.motor current"


@pytest.fixture
async def values(works: Works) -> AsyncIterator[LiveValues]:
    """Values that are only read when a test says so."""
    made = LiveValues(works.services.copilot.plant)
    async with made.running():
        yield made


@contextmanager
def looking(values: LiveValues, *tabs: tuple[str, ...]) -> Iterator[list[Outbox]]:
    with ExitStack() as stack:
        outboxes = [Outbox(signals) for signals in tabs]
        for outbox in outboxes:
            stack.enter_context(values.told_to(outbox))
        yield outboxes


def told(outbox: Outbox, kind: str = "values") -> dict[str, Any]:
    """What waits for a reader, of one kind."""
    for event in outbox.take().split(b"\n\n"):
        lines = dict(line.split(b": ", 1) for line in event.splitlines() if line)
        if lines.get(b"event") == kind.encode():
            found: dict[str, Any] = json.loads(lines[b"data"])
            return found
    return {}


async def test_one_request_serves_all_tabs(works: Works, values: LiveValues):
    with looking(values, (CURRENT,), (CURRENT, "M-1.state"), ("P-2.state",)) as tabs:
        await values.refresh()
        assert works.live.reads == 1
        assert [set(told(tab)) for tab in tabs] == [
            {CURRENT},
            {CURRENT, "M-1.state"},
            {"P-2.state"},
        ]
        await values.refresh()
        assert not any(tab.take() for tab in tabs)


async def test_who_comes_later_is_told_what_is_known_already(values: LiveValues):
    with looking(values, (CURRENT,)):
        await values.refresh()
        with looking(values, (CURRENT, "M-1.state")) as (later,):
            assert set(told(later)) == {CURRENT}
    with looking(values, (CURRENT,)) as (stranger,):
        assert not told(stranger)


async def test_nobody_who_looks_means_nothing_is_read(works: Works, values: LiveValues):
    with looking(values, (), ("no such signal",)):
        await values.refresh()
    await values.refresh()
    assert works.live.reads == 0


async def test_a_resting_machine_is_not_judged(works: Works, values: LiveValues):
    works.live.shown["s=M-1.current"] = 0.0
    with looking(values, (CURRENT,)) as (tab,):
        await values.refresh()
        assert told(tab)[CURRENT]["state"] == "outside"
        works.live.shown["s=M-1.state"] = "stopped"
        await values.refresh()
        assert told(tab)[CURRENT]["state"] == "usual"


async def test_a_bad_value_is_said_to_be_none(works: Works, values: LiveValues):
    del works.live.shown["s=M-1.current"]
    with looking(values, (CURRENT,)) as (tab,):
        await values.refresh()
        shown = told(tab)[CURRENT]
    assert (shown["text"], shown["quality"], shown["value"]) == ("no value", "bad", None)
    assert shown["words"] == "has no good value (Bad)"


async def test_a_signal_that_stopped_moving_is_perhaps_frozen(works: Works, values: LiveValues):
    plant = works.services.copilot.plant
    times = [NOON - timedelta(minutes=m) for m in range(600, 0, -1)]
    moving = [15.0 + m % 5 if m > 90 else 15.5 for m in range(600, 0, -1)]
    plant.history.append([Samples(CURRENT, tuple(times), tuple(moving))])
    with looking(values, (CURRENT,)) as (tab,):
        await values.refresh()
        await values.look_for_frozen()
        assert told(tab)[CURRENT]["quality"] == "good"
        works.clock.advance(seconds=UNMOVED_FOR.total_seconds())
        await values.refresh()
        await values.look_for_frozen()
        await values.refresh()
        shown = told(tab)[CURRENT]
        assert shown["quality"] == "uncertain"
        assert "perhaps frozen" in shown["words"]
        works.live.shown["s=M-1.current"] = 15.6
        await values.refresh()
        assert told(tab)[CURRENT]["quality"] == "good"


async def test_a_dead_source_is_said_once_and_its_values_grow_old(works: Works, values: LiveValues):
    with looking(values, (CURRENT,)) as (tab,):
        await values.refresh()
        tab.take()
        works.live.dead = True
        await values.refresh()
        assert told(tab, "source")["ok"] is False
        await values.refresh()
        assert not tab.take()
        works.clock.advance(seconds=30)
        await values.refresh()
        shown = told(tab)[CURRENT]
        assert (shown["text"], shown["quality"]) == ("15.5 A", "stale")
        with looking(values, (CURRENT,)) as (later,):
            assert told(later, "source")["ok"] is False
        works.live.dead = False
        await values.refresh()
        assert told(tab, "source") == {"ok": True}


async def test_a_slow_reader_gets_the_newest_values_and_every_event_of_a_run():
    outbox = Outbox(["a"])
    for number in range(1000):
        outbox.show({"a": b'"a": %d' % number})
        outbox.tell("waiting", str(number))
    bringing = asyncio.create_task(bring(outbox, 3 * ROOM))
    taken = b""
    while not bringing.done():
        taken += outbox.take()
        await asyncio.sleep(0)
    taken += outbox.take()
    assert taken.count(b"event: values") == taken.count(b"event: waiting") == 1
    assert b'{"a": 999}' in taken
    seen = [line for line in taken.splitlines() if line.startswith(b"id: ")]
    assert seen == [b"id: r:%d" % number for number in range(3 * ROOM)]


async def bring(outbox: Outbox, many: int) -> None:
    for number in range(many):
        await outbox.add(frame("run", "{}", f"r:{number}"))


async def test_what_fails_once_goes_on():
    beats: list[int] = []
    enough = asyncio.Event()

    async def beat() -> None:
        beats.append(len(beats))
        if len(beats) == 1:
            raise ValueError("once")
        enough.set()

    pulse = Pulse(0.01, beat)
    with pulse.needed():
        await asyncio.wait_for(enough.wait(), 10)
    assert not pulse.beating


def test_runs_go_on_after_the_last_event_that_was_seen():
    assert wanted_runs(["a:4", "b"], "") == {"a": 4, "b": 0}
    assert wanted_runs(["a:4", "b"], "b:7") == {"a": 4, "b": 7}
    assert wanted_runs(["a:4"], "a:2") == {"a": 4}
    assert wanted_runs([], "a:2") == {}
    assert wanted_runs(["a:x"], "") == {"a:x": 0}


def test_a_bar_spans_the_instrument_or_all_limits():
    node = Node("urn:x", "s=x")
    whole = Signal("A", "x", node, range=Range(0, 10), normal=Range(2, 4))
    assert scale(whole) == Range(0, 10)
    limited = Signal("A", "x", node, normal=Range(2, 4), limits=Limits(low=1, high=6))
    assert scale(limited) == Range(0, 7)
    assert scale(Signal("A", "x", node)) is None
    assert place(5, Range(0, 10)) == 50
    assert place(99, Range(0, 10)) == 100
    assert place(True, Range(0, 10)) is None
    assert place(5, None) is None


async def test_everything_of_an_asset_can_be_watched_by_its_key(works: Works):
    known = watchable(works.services.copilot.plant.site)
    mixer = {key for key, one in known.items() if one.asset == "M-1"}
    assert mixer == {"M-1.state", "M-1.speed setpoint", CURRENT}
