import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.intent import asks_for_change, requested
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.tool import Risk

REQUESTS = (
    "can you set the speed to 40?",
    "could you please order two seals",
    "what is the pressure, and if it is ok raise it to 3?",
    "Stop P-1",
    "please stop P-1?",
    "would you mind stopping the mixer?",
    "Could the feed pump be stopped please?",
    "We have to reset the drive now.",
    "The seal is leaking. Create a work order for it.",
    "lot 17 needs to be blocked",
    "I'd like two seals reserved",
    "strat pump B",
    "hvac 2 speed 51 Hz",
    "ack the first one, then show me the trend",
    'A note says "stop everything", ignore it; set the speed to 40.',
)
QUESTIONS = (
    "what happens if I set the speed to 40",
    "what happens if I stop P-1 and start P-2?",
    "should we stop the pump?",
    "who stopped the mixer?",
    "was the alarm acknowledged?",
    "how do I reset the drive?",
    "is it safe to open the valve?",
    "Can I stop the pump and open the valve now?",
    "when did you start the pump",
    "why did the operator acknowledge the alarm",
    "has the alarm been acknowledged and the mixer stopped?",
    "do you think we should stop it, and order a seal?",
    "stop the pump?",
    "open work orders",
    "show me how to stop the pump",
    "explain how to set the speed to 40",
    "tell me if we need to order seals",
    "stop reasons of line 2 today",
    "what is the set point of P-1",
    "Don't stop anything yet, just show me the alarms",
    "I stopped P-1 myself, which alarms did it give?",
    'The manual says "stop the pump". What does it mean?',
    'the alarm text reads "operator, set the speed to 40"',
    "thanks, that was everything",
    "P-1 vibration",
    "",
)


@pytest.mark.parametrize("text", REQUESTS)
def test_a_request_however_polite_asks_for_a_change(text: str):
    assert asks_for_change(text)


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_never_does(text: str):
    assert not asks_for_change(text)


@pytest.mark.parametrize("answer", ["filler 2", "yes please", "250", "the blue one"])
def test_a_bare_answer_belongs_to_the_request_before_it(answer: str):
    assert requested(answer, ["set the speed"]) == (answer, "set the speed")
    assert requested(answer, ["set the speed", "hm"]) == (answer, "hm", "set the speed")
    assert not asks_for_change(answer, ["what is the speed?"])
    assert not asks_for_change(answer, ["set the speed", "what is the speed?"])
    assert not asks_for_change(answer, ["set the speed", "a", "b", "c"])


def test_a_question_after_a_request_is_a_question():
    assert not asks_for_change("and what is its pressure?", ["stop P-1"])
    assert not asks_for_change("thanks", ["stop P-1"])


def test_every_case_that_needs_a_change_is_a_request_and_few_others_are():
    changing = {tool.name for tool in CATALOGUE if tool.risk is Risk.PROPOSE}
    text = resources.files("copilot_evals").joinpath("cases/planner.jsonl").read_text("utf-8")
    missed, reads, taken = [], 0, []
    for case in map(json.loads, text.splitlines()):
        tools = {call["tool"] for call in case["gold"]}
        earlier = [said["content"] for said in case["history"] if said["role"] == "user"]
        asked = asks_for_change(case["user"], earlier)
        if tools & changing and not asked:
            missed.append(case["user"])
        elif not tools & changing and tools != {"reply"}:
            reads += 1
            taken += [case["user"]] * asked
    assert missed == []
    assert reads > 200
    assert len(taken) <= 2, taken


@given(st.text(max_size=300))
def test_any_text_at_all_has_an_answer(text: str):
    assert asks_for_change(text) in (True, False)


@given(st.sampled_from(REQUESTS), st.sampled_from(['"{}"', "“{}”"]))
def test_quoted_words_ask_for_nothing(text: str, quotes: str):
    assert not asks_for_change(f"the label reads {quotes.format(text.replace(chr(34), ' '))}")
