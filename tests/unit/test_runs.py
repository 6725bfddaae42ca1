"""Runs go on without a listener, are kept as they happen, and are told without loss."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from planner_fixture import ScriptedPlanner
from sqlalchemy import Engine

from copilot.actor import Actor, Role
from copilot.agent import Agent
from copilot.conversations import Conversations
from copilot.events import Answered, Ended, Event, Noticed, Planned, Queued
from copilot.llm.planner import PlannedTurn
from copilot.runs import feedback, store
from copilot.runs.runs import Runs
from copilot.runs.store import NoSuchConversation, NoSuchRun, Run, RunState
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import Retry
from copilot_tools.plant import Plant
from copilot_tools.tool import Call, Registry

OLGA = Actor("olga", Role.OPERATOR, authenticated=True)
TIMO = Actor("timo", Role.TECHNICIAN, authenticated=True)
SCRIPT: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "hello": [{"tool": "reply", "kind": "greeting"}],
    "help": [{"tool": "reply", "kind": "help"}],
}


class PatientPlanner(ScriptedPlanner):
    """Plans when it is let; breaks in a way nobody foresaw when told to."""

    def __init__(self) -> None:
        super().__init__(SCRIPT)
        self.let = asyncio.Event()
        self.asked = asyncio.Event()
        self.stopped = 0
        self.breaks = False

    async def plan(
        self,
        text: str,
        history: Sequence[PlannedTurn],
        tools: Registry,
        on_queue: Callable[[int], None] | None = None,
    ) -> tuple[Call, ...]:
        if on_queue is not None:
            on_queue(1)
        self.asked.set()
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.breaks:
            raise ZeroDivisionError("nobody foresaw this")
        return await super().plan(text, history, tools, on_queue)


class Desk:
    """Runs over a real database, with a planner that waits."""

    def __init__(self, engine: Engine, plant: Plant) -> None:
        self.engine = engine
        self.planner = PatientPlanner()
        self.conversations = Conversations(engine, plant.now)
        agent = Agent(plant, CATALOGUE, self.planner, self.conversations)
        self.now: Callable[[], datetime] = plant.now
        self.runs = Runs(agent, engine, plant.now)

    async def ask(self, text: str = "hello", key: str = "", actor: Actor = OLGA) -> Run:
        conversation = await self.conversations.start(actor)
        return await self.runs.start(actor, conversation, text, key)


@asynccontextmanager
async def desk_of(engine: Engine, plant: Plant) -> AsyncIterator[Desk]:
    desk = Desk(engine, plant)
    async with desk.runs.running():
        yield desk


@pytest.fixture
async def desk(own_engine: Engine, plant: Plant) -> AsyncIterator[Desk]:
    async with desk_of(own_engine, plant) as opened:
        yield opened


async def all_of(events: AsyncIterator[tuple[int, Event]]) -> list[tuple[int, Event]]:
    return [numbered async for numbered in events]


async def test_a_run_is_kept_and_can_be_followed_from_anywhere(desk: Desk):
    desk.planner.let.set()
    run = await desk.ask()
    assert run.state is RunState.RUNNING
    told = await all_of(desk.runs.follow(run.id, 0))
    assert [seq for seq, _ in told] == list(range(1, len(told) + 1))
    assert isinstance(told[-1][1], Ended)
    assert any(isinstance(event, Planned) for _, event in told)
    assert (await desk.runs.get(run.id)).state is RunState.ENDED
    assert await desk.runs.events(run.id) == told
    for after in range(len(told) + 1):
        assert await all_of(desk.runs.follow(run.id, after)) == told[after:]


async def test_followers_that_come_late_or_go_early_lose_nothing(desk: Desk):
    run = await desk.ask()
    early = asyncio.create_task(all_of(desk.runs.follow(run.id, 0)))
    async for seq, event in desk.runs.follow(run.id, 0):
        assert (seq, event) == (1, Queued(1))
        break
    resumed = asyncio.create_task(all_of(desk.runs.follow(run.id, 1)))
    many = [asyncio.create_task(all_of(desk.runs.follow(run.id, 0))) for _ in range(20)]
    desk.planner.let.set()
    whole = await early
    assert [(1, Queued(1)), *await resumed] == whole
    assert all([await task == whole for task in many])


async def test_what_is_told_is_kept_already(desk: Desk):
    desk.planner.let.set()
    run = await desk.ask()
    async for seq, event in desk.runs.follow(run.id, 0):
        assert (seq, event) in await desk.runs.events(run.id)


async def test_a_double_tap_asks_once(desk: Desk):
    conversation = await desk.conversations.start(OLGA)
    ask = [desk.runs.start(OLGA, conversation, "hello", "one tap") for _ in range(5)]
    runs = await asyncio.gather(*ask)
    assert len({run.id for run in runs}) == 1
    desk.planner.let.set()
    await all_of(desk.runs.follow(runs[0].id, 0))
    again = await desk.runs.start(OLGA, conversation, "hello", "one tap")
    assert again.id == runs[0].id
    assert len(desk.planner.histories) == 1
    assert len(await desk.runs.of(conversation)) == 1


async def test_the_same_key_of_somebody_else_is_another_run(desk: Desk):
    first = await desk.ask(key="k")
    assert (await desk.ask(key="k", actor=TIMO)).id != first.id


async def test_one_question_at_a_time_in_a_conversation(desk: Desk):
    run = await desk.ask()
    with pytest.raises(Retry, match="still being answered"):
        await desk.runs.start(OLGA, run.conversation, "help", "")
    other = await desk.ask("help")
    desk.planner.let.set()
    await all_of(desk.runs.follow(run.id, 0))
    await all_of(desk.runs.follow(other.id, 0))
    follow_up = await desk.runs.start(OLGA, run.conversation, "help", "")
    await all_of(desk.runs.follow(follow_up.id, 0))
    assert [r.id for r in await desk.runs.of(run.conversation)] == [run.id, follow_up.id]


async def test_only_ones_own_conversation(desk: Desk):
    conversation = await desk.conversations.start(OLGA)
    for strange in (conversation, "no such one"):
        with pytest.raises(NoSuchConversation):
            await desk.runs.start(TIMO, strange, "hello", "")


async def test_stopping_stops_the_model_and_says_so(desk: Desk):
    run = await desk.ask()
    followed = asyncio.create_task(all_of(desk.runs.follow(run.id, 0)))
    await desk.planner.asked.wait()
    with pytest.raises(NoSuchRun):
        await desk.runs.stop(run.id, "timo")
    stopped = await desk.runs.stop(run.id, "olga")
    assert stopped.state is RunState.STOPPED
    assert desk.planner.stopped == 1
    told = await followed
    assert told[-2][1] == Noticed("Stopped.")
    assert isinstance(told[-1][1], Ended)
    assert (await desk.runs.stop(run.id, "olga")).state is RunState.STOPPED
    desk.planner.let.set()
    again = await desk.runs.start(OLGA, run.conversation, "hello", "")
    await all_of(desk.runs.follow(again.id, 0))
    assert (await desk.runs.get(again.id)).state is RunState.ENDED


async def test_stopping_at_once_ends_it_all_the_same(desk: Desk):
    run = await desk.ask()
    stops = [desk.runs.stop(run.id, "olga") for _ in range(3)]
    assert {stopped.state for stopped in await asyncio.gather(*stops)} == {RunState.STOPPED}
    assert isinstance((await desk.runs.events(run.id))[-1][1], Ended)


async def test_what_nobody_foresaw_ends_the_run_and_is_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    desk.planner.breaks = True
    desk.planner.let.set()
    with caplog.at_level(logging.ERROR):
        run = await desk.ask()
        told = await all_of(desk.runs.follow(run.id, 0))
    assert isinstance(told[-1][1], Ended)
    assert isinstance(told[-2][1], Noticed)
    assert "Something went wrong" in told[-2][1].message
    assert "nobody foresaw this" in caplog.text
    assert (await desk.runs.get(run.id)).state is RunState.ENDED


async def test_what_a_killed_server_left_is_lost(own_engine: Engine, plant: Plant):
    conversations = Conversations(own_engine, plant.now)
    conversation = await conversations.start(OLGA)
    left = store.new_run(conversation, "olga", "hello", plant.now())
    store.begin(own_engine, left, "k", ())
    store.keep(own_engine, left.id, [(1, Queued(2))], RunState.RUNNING)
    async with desk_of(own_engine, plant) as desk:
        assert (await desk.runs.get(left.id)).state is RunState.LOST
        assert await all_of(desk.runs.follow(left.id, 0)) == [(1, Queued(2))]
        desk.planner.let.set()
        run = await desk.runs.start(OLGA, conversation, "hello", "")
        await all_of(desk.runs.follow(run.id, 0))


async def test_a_server_that_ends_stops_what_goes_on(own_engine: Engine, plant: Plant):
    async with desk_of(own_engine, plant) as desk:
        run = await desk.ask()
        await desk.planner.asked.wait()
    assert store.find(own_engine, run.id).state is RunState.STOPPED
    *_, notice, ended = (event for _, event in store.events_of(own_engine, [run.id])[run.id])
    assert isinstance(notice, Noticed)
    assert "please ask again" in notice.message
    assert isinstance(ended, Ended)


async def test_a_run_begins_although_the_one_who_asked_has_gone(desk: Desk):
    conversation = await desk.conversations.start(OLGA)
    asking = asyncio.create_task(desk.runs.start(OLGA, conversation, "hello", "k"))
    await asyncio.sleep(0)
    asking.cancel()
    desk.planner.let.set()
    run = await desk.runs.start(OLGA, conversation, "hello", "k")
    told = await all_of(desk.runs.follow(run.id, 0))
    assert any(isinstance(event, Answered) for _, event in told)
    assert len(await desk.runs.of(conversation)) == 1


async def test_a_database_that_fails_is_said_to_who_listens(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    run = await desk.ask()
    await desk.planner.asked.wait()
    followed = asyncio.create_task(all_of(desk.runs.follow(run.id, 0)))
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE run_events RENAME TO gone")
    desk.planner.let.set()
    told = await followed
    assert isinstance(told[-1][1], Ended)
    assert any("cannot be kept" in e.message for _, e in told if isinstance(e, Noticed))
    assert any(isinstance(event, Answered) for _, event in told)


@pytest.mark.parametrize("text", ["", "  ", "?!", "x" * 5000])
async def test_what_cannot_be_asked_begins_nothing(desk: Desk, text: str):
    conversation = await desk.conversations.start(OLGA)
    with pytest.raises(Retry):
        await desk.runs.start(OLGA, conversation, text, "")
    assert await desk.runs.of(conversation) == []


async def test_a_rating_is_kept_once_and_can_be_changed(desk: Desk):
    desk.planner.let.set()
    run = await desk.ask()
    await all_of(desk.runs.follow(run.id, 0))
    await desk.runs.rate(run.id, "olga", False, "the wrong machine")
    await desk.runs.rate(run.id, "olga", True, " after all ")
    with pytest.raises(NoSuchRun):
        await desk.runs.rate(run.id, "timo", False, "")
    with pytest.raises(Retry, match="at most"):
        await desk.runs.rate(run.id, "olga", True, "x" * 1001)
    assert await desk.runs.ratings([run.id], "olga") == {run.id: feedback.Rating(True, "after all")}
    assert list(feedback.export(desk.engine)) == [
        {
            "question": "hello",
            "calls": [{"tool": "reply", "kind": "greeting"}],
            "answer": "Hello. Ask me about a machine, an alarm, an order, a part or a procedure.",
            "right": True,
            "why": "after all",
            "who": "olga",
            "when": desk.now().isoformat(),
        }
    ]
