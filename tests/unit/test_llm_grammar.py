import json
import re
from typing import Literal

import pytest

from copilot.llm.grammar import plan_grammar, plan_schema
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.tool import (
    WINDOW_PATTERN,
    Count,
    Number,
    Registry,
    Risk,
    Text,
    Texts,
    Window,
    tool,
)


@tool(risk=Risk.PROPOSE, purpose="everything a tool may take")
async def take(
    plant: Plant,
    asset: Text,
    value: Number,
    signals: Texts | None = None,
    window: Window | None = None,
    state: Literal["on", "off"] | None = None,
    quantity: Count | None = None,
    active: bool | None = None,
) -> Findings:
    """Never carried out here."""
    return Findings("")


@tool(risk=Risk.READ, purpose="nothing")
async def rest(plant: Plant) -> Findings:
    """Never carried out here."""
    return Findings("")


def rules(tools: Registry) -> dict[str, str]:
    lines = plan_grammar(tools).gbnf.splitlines()
    return dict(line.split(" ::= ", 1) for line in lines)


def test_a_call_is_its_keys_in_the_declared_order():
    assert rules(Registry((take,)))["tool0"] == (
        r'"{\"tool\":\"take\"" ",\"asset\":" text ",\"value\":" number (",\"signals\":" texts)? '
        r'(",\"window\":" window)? (",\"state\":" ("\"on\"" | "\"off\""))? '
        r'(",\"quantity\":" count)? (",\"active\":" flag)? "}"'
    )


def test_only_the_tools_given_can_be_called():
    assert rules(Registry((take, rest)))["call"] == "tool0 | tool1"
    assert "take" not in plan_grammar(Registry((rest,))).gbnf


def test_every_rule_that_is_used_exists():
    found = rules(Registry((take, rest)))
    for body in found.values():
        bare = re.sub(r'"(\\.|[^"\\])*"|\[(\\.|[^\]\\])*\]|\{[\d,]+\}', " ", body)
        assert set(re.findall(r"[a-z]\w*", bare)) <= found.keys()


def test_the_window_rule_says_what_the_argument_model_says():
    words = re.findall(r"[a-z]{3,}", WINDOW_PATTERN.replace("mhd", ""))
    assert words == re.findall(r'"([a-z]{3,})"', rules(Registry((take,)))["window"])


def test_a_plan_without_tools_has_no_grammar():
    with pytest.raises(ValueError, match="at least one tool"):
        plan_grammar(Registry(()))


def test_the_grammar_is_made_once_for_a_tool_set():
    tools = Registry((take,))
    assert plan_grammar(tools) is plan_grammar(tools)


def test_the_schema_says_the_same_to_servers_without_grammars():
    schema = plan_schema(Registry((take,)))
    (call,) = schema["items"]["anyOf"]
    assert (schema["minItems"], schema["maxItems"]) == (1, 4)
    assert call["required"] == ["tool", "asset", "value"]
    assert call["additionalProperties"] is False
    assert call["properties"]["tool"] == {"const": "take"}
    assert call["properties"]["state"] == {"enum": ["on", "off"]}
    assert list(call["properties"])[1:] == [parameter.name for parameter in take.parameters]
    assert json.loads(json.dumps(schema)) == schema


def test_a_call_begins_without_choice_up_to_its_first_value():
    assert plan_grammar(Registry((take, rest))).parts == (
        '{"tool":"take","asset":"',
        '{"tool":"rest',
    )
