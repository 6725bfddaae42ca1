"""A planner that follows a script, for tests of everything around the model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from copilot.llm.planner import PlannedTurn
from copilot_tools.errors import Retry
from copilot_tools.tool import Call, Registry


class ScriptedPlanner:
    """Plans what the script says for a message; remembers what it was shown."""

    def __init__(self, script: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.script = script
        self.histories: list[list[PlannedTurn]] = []
        self.mounted: list[Registry] = []

    async def plan(
        self,
        text: str,
        history: Sequence[PlannedTurn],
        tools: Registry,
        on_queue: Callable[[int], None] | None = None,
    ) -> tuple[Call, ...]:
        self.histories.append(list(history))
        self.mounted.append(tools)
        if text not in self.script:
            raise Retry("I did not understand that.")
        return tuple(tools.check(planned) for planned in self.script[text])

    async def warm(self) -> None:
        return None

    async def close(self) -> None:
        return None
