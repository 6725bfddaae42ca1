"""From a message to checked tool calls."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from copilot.llm.grammar import plan_grammar
from copilot.llm.prompt import PlannedTurn, plan_messages
from copilot.settings import ModelSettings
from copilot_tools.errors import Retry
from copilot_tools.tool import Call, Registry

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

__all__ = ["LlamaPlanner", "PlannedTurn", "Planner", "read_plan"]

OnQueue = Callable[[int], None]


class Planner(Protocol):
    """Turns what a user said into calls of the tools that user may use."""

    async def plan(
        self,
        text: str,
        history: Sequence[PlannedTurn],
        tools: Registry,
        on_queue: OnQueue | None = None,
    ) -> tuple[Call, ...]:
        """The calls, at least one and all different, in the order asked; only `tools` are used.

        The prompt shows every tool there is, whatever may be used in this turn: it stays the same
        to the byte, which saved prefixes and the adapter's accuracy depend on.
        `on_queue` hears how many questions are ahead. Raises Retry when no valid plan came out,
        Unavailable when the model did not answer.
        """

    async def warm(self) -> None:
        """Get ready for the first message."""

    async def close(self) -> None:
        """Release the model."""


class LlamaPlanner:
    """Plans with the embedded model; nothing is loaded before `warm` or the first plan."""

    def __init__(self, settings: ModelSettings, cache: Path, tools: Registry) -> None:
        from copilot.llm.chat_model import ChatLlama

        self._tools = tools
        self._model = ChatLlama.embedded(cache, threads=settings.threads, limit_s=settings.turn_s)

    async def plan(
        self,
        text: str,
        history: Sequence[PlannedTurn],
        tools: Registry,
        on_queue: OnQueue | None = None,
    ) -> tuple[Call, ...]:
        """See Planner; the grammar of these tools makes any other output impossible."""
        messages = plan_messages(self._tools, history, text)
        grammar = plan_grammar(tools)
        answer = await self._model.ainvoke(messages, grammar=grammar, on_queue=on_queue)
        return read_plan(answer, tools)

    async def warm(self) -> None:
        """Load the model and read the tool cards, so that the first plan is as quick as others."""
        await self._model.warm(plan_messages(self._tools, (), ""))

    async def close(self) -> None:
        """Stop what runs and free the model."""
        await self._model.close()


def read_plan(answer: "BaseMessage", tools: Registry) -> tuple[Call, ...]:
    """The calls in a model's answer, each once and checked; raises Retry when one is wrong."""
    if answer.response_metadata.get("finish_reason") == "length":
        raise Retry("That is too much at once; please ask for fewer things in one message.")
    calls: list[Call] = []
    for planned in _planned(str(answer.text)):
        call = tools.check(planned)
        if call not in calls:
            calls.append(call)
    return tuple(calls)


def _planned(text: str) -> list[dict[str, Any]]:
    try:
        planned = json.loads(text)
    except ValueError:
        planned = None
    if not isinstance(planned, list) or not planned:
        raise Retry("I could not plan that; please say it in other words.")
    if not all(isinstance(call, dict) for call in planned):
        raise Retry("I could not plan that; please say it in other words.")
    return planned
