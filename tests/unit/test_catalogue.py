import hashlib
import json
from importlib import resources
from pathlib import Path

import pytest

from copilot_tools.catalogue import ALL_TOOLS, CATALOGUE
from copilot_tools.tool import Risk, Tool

DOCS = Path(__file__).parents[2] / "docs" / "tools.md"
CASES = [
    json.loads(line)
    for line in resources.files("copilot_evals")
    .joinpath("cases/planner.jsonl")
    .read_text("utf-8")
    .splitlines()
]


@pytest.mark.parametrize("tool", list(ALL_TOOLS), ids=lambda tool: tool.name)
def test_every_tool_has_a_row_in_the_handbook(tool: Tool):
    card = tool.card().partition(":")[0].replace("|", r"\|")
    assert f"| `{card}` |" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("tool", list(CATALOGUE), ids=lambda tool: tool.name)
def test_every_tool_has_planner_cases(tool: Tool):
    assert sum(call["tool"] == tool.name for case in CASES for call in case["gold"]) >= 4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_planner_case_asks_for_valid_calls(case: dict):
    for calls in (case["gold"], *case.get("accept", [])):
        assert 1 <= len(calls) <= 4
        for call in calls:
            CATALOGUE.check(call)


def test_the_cards_are_those_the_planner_was_trained_on():
    cards = "\n".join(tool.card() for tool in CATALOGUE)
    assert hashlib.sha256(cards.encode()).hexdigest() == TRAINED_CARDS


def test_only_the_contract_proposes():
    proposing = {tool.name for tool in ALL_TOOLS if tool.risk is Risk.PROPOSE}
    assert proposing == {
        "write_setpoint",
        "send_command",
        "create_work_order",
        "reserve_part",
        "request_purchase",
        "hold_batch",
        "acknowledge_alarm",
    }


TRAINED_CARDS = "737f9fbf743e387869ffb75b9eb53a98b9e91d800fbf6976fee1b25c829d88c7"
