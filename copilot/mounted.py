"""Which tools a turn gets: those that ask for a change only where a change is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from copilot.intent import asks_for_change
from copilot_tools.tool import Registry, Risk

READ_ONLY = (
    "This copilot is set to read only: it cannot propose changes. It still answers questions about "
    "values, alarms, orders, parts and manuals."
)


@dataclass(frozen=True, slots=True)
class Mounted:
    """The tools of a turn; a `refusal` says why a change that is asked for cannot be proposed."""

    tools: Registry
    refusal: str = ""


@lru_cache(maxsize=8)
def without_changes(tools: Registry) -> Registry:
    """The same tools but those that propose; one registry each, as grammars are kept by it."""
    return Registry(tuple(tool for tool in tools if tool.risk is not Risk.PROPOSE))


def mount_reading(text: str, tools: Registry, earlier: Sequence[str] = ()) -> Mounted:
    """The tools of a turn where nothing can be proposed at all."""
    asks = asks_for_change(text, earlier)
    return Mounted(without_changes(tools), READ_ONLY if asks else "")
