import os
from typing import Literal

import pytest
from langchain_core.messages import AIMessage

import copilot.llm  # noqa: F401
from copilot.llm.planner import read_plan
from copilot_tools.errors import Retry
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.tool import Call, Count, Registry, Risk, Text, tool


@tool(risk=Risk.READ, purpose="look")
async def look(plant: Plant, asset: Text, mode: Literal["near", "far"] | None = None) -> Findings:
    """Never carried out here."""
    return Findings("")


@tool(risk=Risk.PROPOSE, purpose="take")
async def take(plant: Plant, quantity: Count) -> Findings:
    """Never carried out here."""
    return Findings("")


TOOLS = Registry((look, take))


def plan(text: str, reason: str = "stop") -> tuple[Call, ...]:
    return read_plan(AIMessage(text, response_metadata={"finish_reason": reason}), TOOLS)


def test_calls_are_read_in_the_order_asked():
    calls = plan('[{"tool":"take","quantity":2},{"tool":"look","asset":"A"}]')
    assert calls == (Call("take", {"quantity": 2}), Call("look", {"asset": "A"}))


def test_a_call_planned_twice_is_made_once():
    assert len(plan('[{"tool":"look","asset":"A"},{"tool":"look","asset":"A"}]')) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the pump is fine",
        "{}",
        "[]",
        "null",
        "[1]",
        '["look"]',
        '[{"tool":"look","asset":"A"}',
        '[{"tool":"look","asset":"A"}] and more',
        '[{"tool":"fly","asset":"A"}]',
        '[{"asset":"A"}]',
        '[{"tool":"look"}]',
        '[{"tool":"look","asset":"A","mode":"inside"}]',
        '[{"tool":"look","asset":"A","line":"1"}]',
        '[{"tool":"take","quantity":2.5}]',
        '[{"tool":"take","quantity":99999999}]',
        '[{"tool":"look","asset":"A"},{"tool":"take"}]',
    ],
)
def test_anything_else_is_asked_back(text: str):
    with pytest.raises(Retry):
        plan(text)


def test_a_plan_that_was_cut_short_is_not_carried_out_in_part():
    with pytest.raises(Retry, match="too much at once"):
        plan('[{"tool":"look","asset":"A"}]', reason="length")


def test_no_turn_is_traced_to_anywhere():
    from langsmith.utils import tracing_is_enabled

    assert os.environ["LANGSMITH_TRACING"] == "false"
    assert not tracing_is_enabled()
