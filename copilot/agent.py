"""One turn: plan the calls, carry them out, present what they found.

The planner sees the user's words, the earlier words and calls, and names that earlier answers
mentioned. It never sees a tool's output, so nothing in the plant's data can make it call anything.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextvars import copy_context
from typing import TypedDict, cast

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph

from copilot.conversations import Conversations
from copilot.events import Answered, Ended, Event, Noticed, Outcome, Planned, Problem, Queued
from copilot.llm.planner import PlannedTurn, Planner
from copilot.message import clean_message
from copilot.present import mentions, present
from copilot.said import check_said
from copilot_tools.errors import Denied, Retry, ToolError, Unavailable
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.tool import Call, Registry, Risk


class Turn(TypedDict, total=False):
    """What the graph knows of a turn; each node adds its part."""

    text: str
    history: list[PlannedTurn]
    calls: tuple[Call, ...]
    outcomes: tuple[Outcome, ...]


class Agent:
    """Answers messages of users about one plant."""

    def __init__(
        self, plant: Plant, tools: Registry, planner: Planner, conversations: Conversations
    ) -> None:
        self._plant = plant
        self._tools = tools
        self._planner = planner
        self._conversations = conversations
        graph = StateGraph(Turn)
        graph.add_node("plan", self._plan)
        graph.add_node("act", self._act)
        graph.add_node("present", self._present)
        graph.add_edge(START, "plan")
        graph.add_edge("plan", "act")
        graph.add_edge("act", "present")
        graph.add_edge("present", END)
        self._graph = graph.compile()

    async def turn(self, conversation: str, text: str) -> AsyncIterator[Event]:
        """Everything that happens while `text` is answered, ending in Answered and Ended."""
        started = time.perf_counter()
        plan_s = first_fact_s = None
        try:
            message = clean_message(text)
            history, notice = await self._remembered(conversation)
            if notice:
                yield notice
            turn = Turn(text=message, history=history)
            async for emitted in self._graph.astream(turn, stream_mode="custom"):
                event = cast(Event, emitted)
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

    async def _plan(self, state: Turn) -> Turn:
        emit = get_stream_writer()
        context = copy_context()  # The queue moves outside this node, where the writer is unknown.

        def tell_queue(ahead: int) -> None:
            context.run(emit, Queued(ahead))

        calls = await self._planner.plan(state["text"], state["history"], self._tools, tell_queue)
        emit(Planned(calls))
        return Turn(calls=calls)

    async def _act(self, state: Turn) -> Turn:
        emit = get_stream_writer()
        seen = [mention for turn in state["history"][-2:] for mention in turn.mentions]

        async def carry_out(position: int, call: Call) -> Outcome:
            started = time.perf_counter()
            result: Findings | Problem
            tool = self._tools[call.tool]
            try:
                if tool.risk is Risk.PROPOSE:
                    check_said(call, state["text"], seen, self._plant)
                result = await tool.run(self._plant, call)
            except ToolError as error:
                result = _problem(error)
            outcome = Outcome(position, call, result, time.perf_counter() - started)
            emit(outcome)
            return outcome

        outcomes = await asyncio.gather(
            *(carry_out(position, call) for position, call in enumerate(state["calls"]))
        )
        return Turn(outcomes=tuple(outcomes))

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


def _problem(error: ToolError) -> Problem:
    match error:
        case Retry():
            return Problem("retry", str(error), error.candidates)
        case Unavailable():
            return Problem("unavailable", str(error), since=error.since)
        case Denied():
            return Problem("denied", str(error))
    return Problem("failed", str(error))
