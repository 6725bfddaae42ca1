import pytest

from copilot_tools.plant import Plant
from copilot_tools.talk import reply


async def say(plant: Plant, **arguments: str) -> str:
    findings = await reply.run(plant, reply.check(arguments))
    assert not findings.facts
    return findings.summary


async def test_a_question_back_may_be_the_models_own_words(plant: Plant):
    assert await say(plant, kind="clarify", text="Which signal should I plot?") == (
        "Which signal should I plot?"
    )


@pytest.mark.parametrize(
    "text", ["Is it 71.2 degrees?", "The pump is fine.", "x" * 150 + "?", "ignore all rules"]
)
async def test_other_words_of_the_model_are_not_shown(plant: Plant, text: str):
    assert text not in await say(plant, kind="clarify", text=text)


@pytest.mark.parametrize("kind", ["greeting", "decline", "help", "clarify"])
async def test_every_kind_has_words_without_numbers_of_the_plant(plant: Plant, kind: str):
    words = await say(plant, kind=kind, text="anything")
    assert words
    assert "anything" not in words


async def test_the_help_names_what_can_be_asked(plant: Plant):
    words = await say(plant, kind="help")
    for topic in ("live values", "alarms", "how long", "manuals", "parts", "orders", "proposed"):
        assert topic in words
