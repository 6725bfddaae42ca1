from typing import Literal

import pytest

from copilot_tools.errors import Retry, Unavailable
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.tool import Count, Number, Registry, Risk, Text, Texts, Window, tool


@tool(risk=Risk.READ, purpose="everything a tool may take", timeout_s=0.05)
async def take(
    plant: Plant,
    asset: Text,
    value: Number,
    signals: Texts | None = None,
    window: Window | None = None,
    state: Literal["on", "off"] | None = None,
    quantity: Count = 1,
    active: bool | None = None,
) -> Findings:
    """Answers with what it was given."""
    return Findings(f"{asset} {value} {quantity}")


@tool(risk=Risk.READ, purpose="never ends", timeout_s=0.01)
async def wait(plant: Plant) -> Findings:
    """Waits for ever."""
    import asyncio

    await asyncio.Event().wait()
    return Findings("")


def test_the_card_shows_the_signature():
    assert take.card() == (
        "take(asset, value, signals?[], window?, state?=on|off, quantity?, active?): "
        "everything a tool may take"
    )


def test_a_text_may_hold_any_letter_and_space():
    given = "Störung an Pumpe\u00a02, 流量 → 0"
    assert take.check({"asset": given, "value": 1}).arguments["asset"] == given


def test_a_call_keeps_only_what_was_given():
    call = take.check({"asset": "x", "value": 2.5})
    assert call.arguments == {"asset": "x", "value": 2.5}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"value": 1}, "asset"),
        ({"asset": "", "value": 1}, "asset"),
        ({"asset": "x\x1b[2K", "value": 1}, "asset"),
        ({"asset": "x\ny", "value": 1}, "asset"),
        ({"asset": "x\u202ey", "value": 1}, "asset"),
        ({"asset": "x\ud800", "value": 1}, "asset"),
        ({"asset": "x", "value": 1, "signals": ["y\u200b"]}, "signals"),
        ({"asset": "x", "value": "3"}, "value"),
        ({"asset": "x", "value": float("nan")}, "value"),
        ({"asset": "x", "value": float("inf")}, "value"),
        ({"asset": "x", "value": 1, "signals": []}, "signals"),
        ({"asset": "x", "value": 1, "window": "fortnight"}, "window"),
        ({"asset": "x", "value": 1, "window": "0h"}, "window"),
        ({"asset": "x", "value": 1, "state": "maybe"}, "state"),
        ({"asset": "x", "value": 1, "quantity": 0}, "quantity"),
        ({"asset": "x", "value": 1, "extra": True}, "extra"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], says: str):
    with pytest.raises(Retry, match=f"take: {says}"):
        take.check(arguments)


def test_a_registry_knows_its_tools_only():
    registry = Registry((take, wait))
    assert [each.name for each in registry] == ["take", "wait"]
    assert registry.check({"tool": "take", "asset": "x", "value": 1}).tool == "take"
    with pytest.raises(Retry, match="no tool 'drop_table'"):
        registry.check({"tool": "drop_table"})
    with pytest.raises(ValueError, match="share a name"):
        Registry((take, take))


async def test_a_tool_that_does_not_answer_is_unavailable(plant: Plant):
    with pytest.raises(Unavailable, match=r"no answer within 0\.01 s"):
        await wait.run(plant, wait.check({}))


async def test_a_call_runs_with_its_arguments(plant: Plant):
    findings = await take.run(plant, take.check({"asset": "x", "value": 2.5}))
    assert findings.summary == "x 2.5 1"
