"""One turn: choose its tools, plan the calls, carry them out, present what they found.

The planner sees the user's words, the earlier words and calls, and names that earlier answers
mentioned. It never sees a tool's output, so nothing in the plant's data can make it call anything.
A change is only ever handed to the gate, which files it for people to decide; without a gate the
tools that ask for one are not there.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import copy_context
from typing import TYPE_CHECKING, TypedDict, cast
from uuid import uuid4

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph

from copilot.actor import Actor
from copilot.conversations import Conversations
from copilot.events import (
    Answered,
    Ended,
    Event,
    Noticed,
    Outcome,
    Planned,
    Problem,
    Queued,
    Watched,
)
from copilot.intent import requested
from copilot.llm.grammar import MOST_CALLS
from copilot.llm.planner import PlannedTurn, Planner
from copilot.message import clean_message
from copilot.mounted import Mounted, mount_reading
from copilot.present import mentions, present
from copilot.provenance import trace
from copilot.said import check_said
from copilot_tools.errors import Denied, Retry, ToolError, Unavailable
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.tool import Call, Registry, Risk, Tool

if TYPE_CHECKING:
    from copilot.gate import Gate


class Turn(TypedDict, total=False):
    """What the graph knows of a turn; each node adds its part."""

    actor: Actor
    conversation: str
    key: str
    text: str
    history: list[PlannedTurn]
    mounted: Mounted
    calls: tuple[Call, ...]
    outcomes: tuple[Outcome, ...]


class Agent:
    """Answers messages of users about one plant; without a `gate` nothing can be proposed."""

    def __init__(
        self,
        plant: Plant,
        tools: Registry,
        planner: Planner,
        conversations: Conversations,
        gate: "Gate | None" = None,
    ) -> None:
        self._plant = plant
        self._tools = tools
        self._planner = planner
        self._conversations = conversations
        self._gate = gate
        self.watchers: list[Callable[[Watched], None]] = []
        graph = StateGraph(Turn)
        graph.add_node("mount", self._mount)
        graph.add_node("plan", self._plan)
        graph.add_node("act", self._act)
        graph.add_node("present", self._present)
        graph.add_edge(START, "mount")
        graph.add_edge("mount", "plan")
        graph.add_edge("plan", "act")
        graph.add_edge("act", "present")
        graph.add_edge("present", END)
        self._graph = graph.compile()

    async def turn(
        self, actor: Actor, conversation: str, text: str, key: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Everything that happens while `text` is answered, ending in Answered and Ended.

        Proposals of one `key` are filed once, however often the message is sent.
        """
        key = key or uuid4().hex
        began, started = time.time_ns(), time.perf_counter()
        plan_s, answered, outcomes = None, False, list[Outcome]()
        try:
            async with aclosing(self._turn(actor, conversation, text, key)) as events:
                async for event in events:
                    if isinstance(event, Planned):
                        plan_s = time.perf_counter() - started
                    elif isinstance(event, Outcome):
                        outcomes.append(event)
                    answered = answered or isinstance(event, Answered)
                    yield event
        finally:
            seconds = time.perf_counter() - started
            watched = Watched(actor.name, key, began, seconds, plan_s, tuple(outcomes), answered)
            for watch in self.watchers:
                watch(watched)

    async def _turn(
        self, actor: Actor, conversation: str, text: str, key: str
    ) -> AsyncGenerator[Event, None]:
        started = time.perf_counter()
        plan_s = first_fact_s = None
        try:
            message = clean_message(text)
            history, notice = await self._remembered(conversation)
            if notice:
                yield notice
            turn = Turn(
                actor=actor,
                conversation=conversation,
                key=key,
                text=message,
                history=history,
            )
            steps = cast(
                AsyncGenerator[Event, None], self._graph.astream(turn, stream_mode="custom")
            )
            async with aclosing(steps):
                async for event in steps:
                    if isinstance(event, Planned):
                        plan_s = time.perf_counter() - started
                    elif isinstance(event, Outcome) and first_fact_s is None:
                        first_fact_s = time.perf_counter() - started
                    yield event
                    if isinstance(event, Answered):
                        lost = await self._save(conversation, message, event)
                        if lost:
                            yield lost
        except ToolError as error:
            yield Answered(str(error), ())
        total = time.perf_counter() - started
        yield Ended(plan_s if plan_s is not None else total, first_fact_s, total)

    async def _mount(self, state: Turn) -> Turn:
        """Choose the tools before anything is read; a change nobody may ask for ends the turn."""
        text, earlier = state["text"], _user_words(state)
        if self._gate is None:
            mounted = mount_reading(text, self._tools, earlier)
        else:
            mounted = await self._gate.mount(state["actor"], text, self._tools, earlier)
        if mounted.refusal:
            raise Denied(mounted.refusal)
        return Turn(mounted=mounted)

    async def _plan(self, state: Turn) -> Turn:
        emit = get_stream_writer()
        context = copy_context()  # The queue moves outside this node, where the writer is unknown.

        def tell_queue(ahead: int) -> None:
            context.run(emit, Queued(ahead))

        tools = state["mounted"].tools
        calls = await self._planner.plan(state["text"], state["history"], tools, tell_queue)
        if len(calls) > MOST_CALLS:
            raise Retry("That is too much at once; please ask for fewer things in one message.")
        emit(Planned(calls))
        return Turn(calls=calls)

    async def _act(self, state: Turn) -> Turn:
        emit = get_stream_writer()

        async def carry_out(position: int, call: Call) -> Outcome:
            started = time.perf_counter()
            result: Findings | Problem
            try:
                tool = state["mounted"].tools[call.tool]
                checked = tool.check(call.arguments)
                if tool.risk is Risk.PROPOSE:
                    result = await self._propose(state, position, tool, checked)
                else:
                    result = await tool.run(self._plant.read_by(state["actor"].role), checked)
            except ToolError as error:
                result = _problem(error)
            outcome = Outcome(position, call, result, time.perf_counter() - started)
            emit(outcome)
            return outcome

        outcomes = await asyncio.gather(
            *(carry_out(position, call) for position, call in enumerate(state["calls"]))
        )
        return Turn(outcomes=tuple(outcomes))

    async def _propose(self, state: Turn, position: int, tool: Tool, call: Call) -> Findings:
        if self._gate is None:
            raise Denied("nothing can be proposed here")
        text, history = state["text"], state["history"]
        seen = [mention for turn in history[-2:] for mention in turn.mentions]
        words = requested(text, _user_words(state)) or (text,)
        check_said(call, "\n".join(words), seen, self._plant)
        try:
            findings = await tool.run(self._plant, call)
        except Denied as refusal:
            await self._gate.refused(state["actor"], call, refusal)
            raise
        if findings.change is None:
            return findings
        answers = await self._conversations.answers(state["conversation"])
        choices = {p.name for p in tool.parameters if p.kind == "choice"}
        origins = trace(call, findings.change, text, history, answers, choices)
        key = f"{state['key'][:60]}:{position}"
        return await self._gate.propose(
            state["actor"], state["conversation"], key, call, findings, origins
        )

    async def _present(self, state: Turn) -> Turn:
        text = present(state["outcomes"], self._plant.site.time_zone)
        get_stream_writer()(Answered(text, state["outcomes"]))
        return Turn()

    async def _remembered(self, conversation: str) -> tuple[list[PlannedTurn], Noticed | None]:
        try:
            return await self._conversations.history(conversation), None
        except Unavailable as error:
            return [], Noticed(f"I cannot see what was said before: {error}.")

    async def _save(self, conversation: str, text: str, answer: Answered) -> Noticed | None:
        # A call that found nothing is no context: a follow-up would inherit its mistake.
        calls = tuple(
            outcome.call
            for outcome in answer.outcomes
            if isinstance(outcome.result, Findings) or outcome.result.candidates
        )
        turn = PlannedTurn(text, calls, mentions(answer.outcomes))
        try:
            await self._conversations.record(conversation, turn, answer.text)
        except Unavailable as error:
            return Noticed(f"This turn could not be saved: {error}.")
        return None


def _user_words(state: Turn) -> list[str]:
    return [turn.user for turn in state["history"]]


def _problem(error: ToolError) -> Problem:
    match error:
        case Retry():
            return Problem("retry", str(error), error.candidates, facts=error.facts)
        case Unavailable():
            return Problem("unavailable", str(error), since=error.since, facts=error.facts)
        case Denied():
            return Problem("denied", str(error), facts=error.facts)
    return Problem("failed", str(error), facts=error.facts)
