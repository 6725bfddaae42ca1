import json
from importlib import resources

import pytest
from planner_fixture import ScriptedPlanner
from telemetry_fixture import SITE

from copilot.intent_record import split_record
from copilot.llm.planner import PlannedTurn
from copilot.ruled_planner import RuledPlanner, find_names
from copilot_tools.catalogue import ALL_TOOLS, CATALOGUE
from copilot_tools.site.load import parse_site
from copilot_tools.site.resolve import Resolver
from copilot_tools.tool import Call

RESOLVER = Resolver(parse_site(SITE))
BEARING = [{"asset": "K-1", "component": "bearing"}]
LIFE = Call("predict_rul", BEARING[0])

RECORD = (
    "How often were you right?",
    "how good are your predictions for the bearing of K-7?",
    "wie oft lagst du richtig?",
    "Wie oft lagen Sie bei K-1 richtig?",
    "Wie gut sind deine Vorhersagen?",
    "wie zuverlässig sind die Prognosen für K-1?",
    "kann ich deinen Vorhersagen vertrauen?",
    "hast du schon mal falsch gelegen?",
    "how often have you been wrong about K-1?",
    "how accurate are you?",
    "how accurate is the remaining life of K-1 usually?",
    "were your forecasts for the raw pump right in the past?",
    "were you right about K-1 last time?",
    "what is your track record on the raw pump?",
    "can we rely on your predictions?",
    "how reliable are the estimates?",
    "show me the scorecard",
    "what's your hit rate?",
    "did your predictions come true?",
    "how did your past predictions turn out?",
    "how far off were you with the bearing?",
    "how many of your predictions were within the interval?",
    "in how many cases was the model right?",
    "what percentage of your forecasts was correct?",
)
OTHER = (
    "how long will the bearing of K-1 last?",
    "what is the remaining life of K-1?",
    "how good is the OEE of line 1?",
    "is K-1 running normally right now?",
    "how often did K-1 trip last month?",
    "is the predicted delivery date right?",
    "what is the right torque for the seal cover?",
    "what does the estimate look like right now for K-1?",
    "how often were the alarms of K-1 wrong?",
    "was the last repair done right?",
    "what is the hit rate of the capper?",
    "tell me what's wrong with K-1",
    "what went wrong with K-1 last night?",
    "do you have the right bearing in stock?",
    "are you sure?",
    "correct the forecast and set K-1 to 1450 rpm",
    "how often was that right?",
)


@pytest.mark.parametrize("text", RECORD)
def test_questions_on_the_record_of_predictions_are_recognised(text: str):
    assert split_record(text) == ([text], "")


@pytest.mark.parametrize("text", OTHER)
def test_other_questions_are_not(text: str):
    assert split_record(text) == ([], text)


def test_no_question_that_the_planner_was_taught_is_taken_from_it():
    for name in ("planner", "plant"):
        text = resources.files("copilot_evals").joinpath(f"cases/{name}.jsonl").read_text("utf-8")
        asked = [json.loads(line)["user"] for line in text.splitlines() if line.strip()]
        assert [each for each in asked if split_record(each, told=True)[0]] == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("how often were you right?", []),
        ("what is your track record on the raw pump?", [{"asset": "raw pump"}]),
        ("how good are your forecasts for K-1's bearing?", BEARING),
        ("how good are your forecasts for the K-1 bearing", BEARING),
        ("predictions for the bearing of K-1: right so far?", BEARING),
        ("how far off were you with the bearing?", [{"component": "bearing"}]),
        ("can I trust your forecasts for K-1 and K-2?", [{"asset": "K-1"}, {"asset": "K-2"}]),
        ("how good are your forecasts for the bearing of K-77?", [{**BEARING[0], "asset": "K-77"}]),
        ("were your raw pump forecasts of last year right?", [{"asset": "raw pump"}]),
        ("how reliable are your forecasts for the pumps lately?", [{"asset": "pumps"}]),
        ("in how many cases were your numbers right in general?", []),
    ],
)  # fmt: skip
def test_machines_and_components_are_found_in_the_question(text: str, names: list):
    assert list(find_names(text, RESOLVER)) == names


async def plan(text: str, *history: PlannedTurn) -> tuple[tuple[Call, ...], ScriptedPlanner]:
    model = ScriptedPlanner({"which alarms are active?": [{"tool": "list_alarms"}]})
    return await RuledPlanner(model, RESOLVER).plan(text, history, ALL_TOOLS), model


async def test_the_question_is_answered_without_the_model():
    calls, model = await plan("How often were you right about the bearing of K-1?")
    assert calls == (Call("score_predictions", {"asset": "K-1", "component": "bearing"}),)
    assert model.histories == []


async def test_the_rest_of_a_message_is_planned_by_the_model():
    calls, model = await plan("How often were you right, and which alarms are active?")
    assert [call.tool for call in calls] == ["score_predictions", "list_alarms"]
    assert [tool.name for tool in model.mounted[0]] == [tool.name for tool in CATALOGUE]


async def test_it_points_back_to_what_was_just_predicted():
    life = PlannedTurn("how long will it last?", (LIFE,))
    assert (await plan("and how often was that right?", life))[0] == (
        Call("score_predictions", LIFE.arguments),
    )
    assert (await plan("how often were you right?", life))[0] == (Call("score_predictions", {}),)
    alarms = PlannedTurn("any alarms?", (Call("list_alarms", {"asset": "K-1"}),))
    assert (await plan("can I trust your forecasts for it?", alarms))[0] == (
        Call("score_predictions", {}),
    )


async def test_the_model_never_hears_of_a_tool_it_was_not_taught():
    one = PlannedTurn("right about K-1?", (Call("score_predictions", {"asset": "K-1"}),), ("K-1",))
    every = PlannedTurn("how often right?", (Call("score_predictions", {}),))
    _, model = await plan("which alarms are active?", one, every)
    assert [turn.calls for turn in model.histories[0]] == [
        (Call("predict_rul", {"asset": "K-1"}),),
        (),
    ]
    assert model.histories[0][0].mentions == ("K-1",)
