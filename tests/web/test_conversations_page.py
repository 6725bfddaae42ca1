"""The list of one's own conversations, and finding what was said."""

import httpx2
import pytest
from web.test_chat_page import answered, ask, told
from web_fixture import Works

from copilot.actor import Actor, Role
from copilot.conversations import LISTED
from copilot.llm.planner import PlannedTurn


def titles(page: httpx2.Response) -> list[str]:
    return [part.partition("</strong>")[0] for part in page.text.split("<strong>")[1:]]


async def test_ones_own_conversations_newest_first(works: Works):
    olga, tina = await works.client("olga"), await works.client("tina")
    await answered(works, tina, "hello")
    first = (await ask(olga, "how is the mixer?", None, "a")).json()
    await told(works.services.runs, first["run"])
    works.clock.advance(minutes=1)
    second = (await ask(olga, "hello", None, "b")).json()
    await told(works.services.runs, second["run"])
    shown = await olga.get("/conversations")
    assert titles(shown) == ["hello", "how is the mixer?"]
    assert "2026-11-21 12:01" in shown.text
    works.clock.advance(minutes=1)
    again = (await ask(olga, "hello", first["conversation"], "c")).json()
    await told(works.services.runs, again["run"])
    assert titles(await olga.get("/conversations")) == ["how is the mixer?", "hello"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("MIXER", ["how is the mixer?"]),
        ("15.5 a", ["how is the mixer?"]),
        ("ask me about a machine", ["hello"]),
        ("%", []),
        ("_ow", []),
        ("'; DROP TABLE turns; --", []),
        ("  ", ["hello", "how is the mixer?"]),
    ],
)
async def test_searching_questions_and_answers(works: Works, words: str, found: list[str]):
    olga, tina = await works.client("olga"), await works.client("tina")
    for number, text in enumerate(("how is the mixer?", "hello")):
        sent = (await ask(olga, text, None, f"key {number}")).json()
        await told(works.services.runs, sent["run"])
        works.clock.advance(minutes=1)
    assert titles(await olga.get("/conversations", params={"q": words})) == found
    assert titles(await tina.get("/conversations", params={"q": words})) == []


async def test_many_conversations_come_in_pages(works: Works):
    conversations, olga = works.services.copilot.conversations, Actor("olga", Role.OPERATOR)
    for number in range(LISTED + 1):
        key = await conversations.start(olga)
        await conversations.record(key, PlannedTurn(f"question {number}", ()), "answer")
        works.clock.advance(minutes=1)
    await conversations.start(olga)
    client = await works.client("olga")
    first = await client.get("/conversations")
    assert titles(first)[0] == f"question {LISTED}"
    assert len(titles(first)) == LISTED
    assert "page=2" in first.text
    second = await client.get("/conversations?page=2")
    assert titles(second) == ["question 0"]
    assert "page=3" not in second.text


async def test_a_conversation_of_the_terminal_can_be_read_and_gone_on_with(works: Works):
    conversations, olga = works.services.copilot.conversations, Actor("olga", Role.OPERATOR)
    key = await conversations.start(olga)
    await conversations.record(key, PlannedTurn("what is <on>?", ()), "the <mixer>")
    works.clock.advance(minutes=1)
    client = await works.client("olga")
    sent = (await ask(client, "hello", key)).json()
    await told(works.services.runs, sent["run"])
    page = (await client.get(f"/chat/{key}")).text
    assert page.count("what is &lt;on&gt;?") >= 2
    assert "the &lt;mixer&gt;" in page
    assert page.index("the &lt;mixer&gt;") < page.index("Hello. Ask me")
