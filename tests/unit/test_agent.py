import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from planner_fixture import ScriptedPlanner
from sqlalchemy import Engine

from copilot import db
from copilot.actor import Actor, Role
from copilot.agent import Agent
from copilot.conversations import Conversations
from copilot.events import Answered, Ended, Event, Noticed, Outcome, Planned, Problem
from copilot_tools.errors import Candidate, Denied, Failed, Retry, Unavailable
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.tool import Call, Registry, Risk, Text, tool

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
USER = Actor("ana", Role.TECHNICIAN)
BARRIER = asyncio.Barrier(2)


@tool(risk=Risk.READ, purpose="looks one thing up")
async def look(plant: Plant, thing: Text) -> Findings:
    """Finds it."""
    return Findings(f"{thing} is well.", mentions=(f"{thing} Thing",))


@tool(risk=Risk.READ, purpose="waits for the other call")
async def meet(plant: Plant, who: Text) -> Findings:
    """Ends only when two calls run at the same time."""
    await BARRIER.wait()
    return Findings(f"{who} met.")


@tool(risk=Risk.READ, purpose="fails as told")
async def fail(plant: Plant, how: Text) -> Findings:
    """Raises."""
    raise {
        "retry": Retry("Which one?", (Candidate("A-1", "first", 0.9),)),
        "unavailable": Unavailable("ERP", "no route", NOW),
        "denied": Denied("Not for you."),
        "failed": Failed("It broke."),
    }[how]


@tool(risk=Risk.PROPOSE, purpose="asks for a change")
async def change(plant: Plant, thing: Text) -> Findings:
    """Must not be run where nothing can be proposed."""
    raise AssertionError(thing)


TOOLS = Registry((look, meet, fail, change))
SCRIPT = {
    "one": [{"tool": "look", "thing": "A"}],
    "two": [{"tool": "look", "thing": "A"}, {"tool": "look", "thing": "B"}],
    "together": [{"tool": "meet", "who": "A"}, {"tool": "meet", "who": "B"}],
    "partly": [{"tool": "fail", "how": "unavailable"}, {"tool": "look", "thing": "B"}],
    "set A to 5": [{"tool": "change", "thing": "A"}],
    "what if I set A to 5?": [{"tool": "change", "thing": "A"}],
    **{how: [{"tool": "fail", "how": how}] for how in ("retry", "denied", "failed")},
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = db.open_database(f"sqlite:///{tmp_path / 'own' / 'copilot.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def planner() -> ScriptedPlanner:
    return ScriptedPlanner(SCRIPT)


@pytest.fixture
def agent(plant: Plant, planner: ScriptedPlanner, engine: Engine) -> Agent:
    return Agent(plant, TOOLS, planner, Conversations(engine, lambda: NOW))


async def ask(agent: Agent, text: str, conversation: str = "c") -> list[Event]:
    return [event async for event in agent.turn(USER, conversation, text)]


def answer(events: list[Event]) -> Answered:
    return next(event for event in events if isinstance(event, Answered))


async def test_a_turn_plans_acts_and_presents(agent: Agent, engine: Engine):
    conversation = await Conversations(engine, lambda: NOW).start(USER)
    events = await ask(agent, "one", conversation)
    assert [type(event) for event in events] == [Planned, Outcome, Answered, Ended]
    assert answer(events).text == "A is well."


async def test_several_requests_run_at_the_same_time_and_are_answered_in_order(agent: Agent):
    async with asyncio.timeout(5):
        assert answer(await ask(agent, "together")).text == "A met.\nB met."
    assert answer(await ask(agent, "two")).text == "A is well.\nB is well."


async def test_a_dead_source_leaves_the_rest_of_the_answer(agent: Agent):
    answered = answer(await ask(agent, "partly"))
    first, second = answered.outcomes
    assert first.result == Problem("unavailable", "ERP is not reachable: no route", since=NOW)
    assert isinstance(second.result, Findings)
    assert answered.text == (
        "ERP is not reachable: no route; it last answered at 2026-11-21 13:00.\nB is well."
    )


@pytest.mark.parametrize("how", ["retry", "denied", "failed"])
async def test_a_failing_tool_is_part_of_the_answer(agent: Agent, how: str):
    result = answer(await ask(agent, how)).outcomes[0].result
    assert isinstance(result, Problem)
    assert result.kind == how


@pytest.mark.parametrize("text", ["", "x" * 100_000, "\x00\x01", "not in the script"])
async def test_a_message_that_cannot_be_planned_gets_one_line(agent: Agent, text: str):
    answered = answer(await ask(agent, text))
    assert answered.outcomes == ()
    assert len(answered.text.splitlines()) == 1
    assert answer(await ask(agent, "one")).text == "A is well."


async def test_a_follow_up_sees_calls_and_mentions_but_no_results(
    agent: Agent, planner: ScriptedPlanner, engine: Engine
):
    conversation = await Conversations(engine, lambda: NOW).start(USER)
    await ask(agent, "one", conversation)
    await ask(agent, "retry", conversation)
    await ask(agent, "two", conversation)
    first, second = planner.histories[-1]
    assert first.user == "one"
    assert [call.tool for call in first.calls] == ["look"]
    assert first.mentions == ("A Thing",)
    assert second.mentions == ("A-1 first",)
    assert "is well" not in repr(planner.histories)


async def test_conversations_outlive_the_process(plant: Plant, engine: Engine):
    conversation = await Conversations(engine, lambda: NOW).start(USER)
    planner = ScriptedPlanner(SCRIPT)
    await ask(Agent(plant, TOOLS, planner, Conversations(engine, lambda: NOW)), "one", conversation)
    again = ScriptedPlanner(SCRIPT)
    await ask(Agent(plant, TOOLS, again, Conversations(engine, lambda: NOW)), "two", conversation)
    assert [turn.user for turn in again.histories[0]] == ["one"]


async def test_the_latest_conversation_is_the_persons_own(engine: Engine):
    times = iter(NOW + timedelta(minutes=minute) for minute in range(9))
    conversations = Conversations(engine, lambda: next(times))
    assert await conversations.latest(USER) is None
    await conversations.start(USER)
    mine = await conversations.start(USER)
    await conversations.start(Actor("ben", Role.OPERATOR))
    assert await conversations.latest(USER) == mine


async def test_a_turn_is_answered_even_when_it_cannot_be_saved(
    plant: Plant, planner: ScriptedPlanner, tmp_path: Path
):
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is not a database" * 100)
    engine = db.open_database(f"sqlite:///{broken}")
    events = await ask(Agent(plant, TOOLS, planner, Conversations(engine, lambda: NOW)), "one")
    engine.dispose()
    assert answer(events).text == "A is well."
    assert any(isinstance(event, Noticed) for event in events)


async def test_without_a_gate_a_request_is_told_so_and_nothing_is_planned(
    agent: Agent, planner: ScriptedPlanner
):
    events = await ask(agent, "set A to 5")
    assert [type(event) for event in events] == [Answered, Ended]
    assert "read only" in answer(events).text
    assert planner.histories == []


async def test_a_question_has_no_tools_that_propose(agent: Agent, planner: ScriptedPlanner):
    answered = answer(await ask(agent, "what if I set A to 5?"))
    assert answered.text == "there is no tool 'change'"
    assert [tool.name for tool in planner.mounted[-1]] == ["look", "meet", "fail"]


class LooseModel(ScriptedPlanner):
    """A model that no grammar holds: its calls come unchecked."""

    def __init__(self, *calls: Call) -> None:
        super().__init__({})
        self.calls = calls

    async def plan(self, *_: object) -> tuple[Call, ...]:
        return self.calls


async def test_calls_are_checked_again_whoever_planned_them(plant: Plant, engine: Engine):
    calls = (Call("change", {"thing": "A"}), Call("look", {"thing": ""}), Call("look", {"x": 1}))
    agent = Agent(plant, TOOLS, LooseModel(*calls), Conversations(engine, lambda: NOW))
    outcomes = answer(await ask(agent, "what if I set A to 5?")).outcomes
    assert [getattr(outcome.result, "kind", "") for outcome in outcomes] == ["retry"] * 3


async def test_a_turn_has_few_calls(plant: Plant, engine: Engine):
    calls = tuple(Call("look", {"thing": str(number)}) for number in range(5))
    agent = Agent(plant, TOOLS, LooseModel(*calls), Conversations(engine, lambda: NOW))
    answered = answer(await ask(agent, "one"))
    assert answered.outcomes == ()
    assert "too much at once" in answered.text
