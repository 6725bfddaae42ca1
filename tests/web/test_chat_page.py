"""The chat as a browser sees it: asking, reading again, stopping, and markup that stays text."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from web_fixture import NOON, Works

from copilot.events import Event, Outcome, Problem
from copilot.runs.runs import SHUT_DOWN, STOPPED, UNFORESEEN, Runs
from copilot.runs.store import Run, RunState
from copilot.web.rendering import TEMPLATES, fill
from copilot.web.showing import PlannedCall, show_event
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import Candidate
from copilot_tools.facts import (
    Column,
    Fact,
    Findings,
    Picture,
    Quality,
    Quote,
    Range,
    Series,
    Source,
    Table,
)
from copilot_tools.tool import Call

KEY = "0123456789abcdef"

Shown = Callable[[Event], dict[str, Any]]


@pytest.fixture
def works_shown(works: Works) -> Shown:
    """An event of a question about the pump, as its page gets it."""
    run = Run("r" * 32, "c" * 32, "olga", "how is the pump?", RunState.ENDED, NOON)
    return lambda event: show_event(works.services, "en", run, 1, event)


async def ask(
    client: httpx2.AsyncClient, text: str, conversation: str | None = None, key: str = KEY
) -> httpx2.Response:
    body = {"conversation": conversation, "text": text, "key": key}
    headers = {"Accept": "application/json"}
    return await client.post("/chat/messages", json=body, headers=headers)


async def told(runs: Runs, run: str, after: int = 0) -> list[tuple[int, Event]]:
    return [numbered async for numbered in runs.follow(run, after)]


async def answered(works: Works, client: httpx2.AsyncClient, text: str) -> tuple[str, str]:
    sent = (await ask(client, text)).json()
    await told(works.services.runs, sent["run"])
    return sent["conversation"], sent["run"]


async def test_an_empty_chat_offers_questions(works: Works):
    client = await works.client("olga")
    shown = await client.get("/chat")
    assert shown.status_code == 200
    assert "Which alarms are active?" in shown.text
    assert "What is the OEE of Line 1 today?" in shown.text
    about = await client.get("/chat?asset=M-1")
    assert "How long will the DE bearing of Mixer last?" in about.text
    filled = await client.get("/chat", params={"ask": "is <b>it</b> on?"})
    assert "is &lt;b&gt;it&lt;/b&gt; on?</textarea>" in filled.text


async def test_a_question_is_answered_and_read_again(works: Works):
    client = await works.client("olga")
    conversation, run = await answered(works, client, "how is the mixer?")
    page = (await client.get(f"/chat/{conversation}")).text
    assert f'data-run="{run}"' in page
    assert 'data-state="ended"' in page
    assert "how is the mixer?" in page
    assert "15.5 A" in page
    assert "Live values" in page
    assert "limit-bar" in page
    assert "OPC UA" in page
    events = await told(works.services.runs, run)
    assert f'data-seq="{events[-1][0]}"' in page


async def test_what_is_told_live_is_what_a_reload_shows(works: Works):
    client = await works.client("olga")
    conversation, run_id = await answered(works, client, "how is the mixer?")
    run = await works.services.runs.get(run_id)
    page = (await client.get(f"/chat/{conversation}")).text
    kinds = []
    for seq, event in await told(works.services.runs, run_id):
        piece = show_event(works.services, "en", run, seq, event)
        kinds.append(piece["kind"])
        assert (piece["run"], piece["seq"]) == (run_id, seq)
        if piece["kind"] in ("outcome", "answered", "ended"):
            assert piece["html"].strip() in page
    assert kinds == ["planned", "outcome", "answered", "ended"]


async def test_a_double_tap_asks_once(works: Works):
    client = await works.client("olga")
    first, second = (await ask(client, "hello")).json(), (await ask(client, "hello")).json()
    assert first == second
    await told(works.services.runs, first["run"])
    assert len(works.planner.histories) == 1


async def test_a_follow_up_goes_on_in_the_conversation(works: Works):
    client = await works.client("olga")
    conversation, _ = await answered(works, client, "how is the mixer?")
    works.clock.advance(seconds=1)
    sent = (await ask(client, "hello", conversation, "another key")).json()
    assert sent["conversation"] == conversation
    await told(works.services.runs, sent["run"])
    assert [turn.user for turn in works.planner.histories[-1]] == ["how is the mixer?"]
    page = (await client.get(f"/chat/{conversation}")).text
    assert page.index("how is the mixer?") < page.index("Hello. Ask me about a machine")


async def test_somebody_elses_conversation_is_not_there(works: Works):
    olga, tina = await works.client("olga"), await works.client("tina")
    conversation, run = await answered(works, olga, "hello")
    for path in ("", "/handover.md", "/handover.pdf"):
        assert (await tina.get(f"/chat/{conversation}{path}")).status_code == 404
        assert (await tina.get(f"/chat/{'0' * 32}{path}")).status_code == 404
    assert (await ask(tina, "hello", conversation)).status_code == 404
    assert (await tina.post(f"/runs/{run}/stop", json={})).status_code == 404
    rating = {"right": True, "why": ""}
    assert (await tina.post(f"/runs/{run}/feedback", json=rating)).status_code == 404


async def test_a_badge_may_ask_but_a_program_has_no_chat(works: Works):
    client = await works.client()
    assert (await client.get("/chat")).status_code == 303
    assert (await ask(client, "hello")).status_code == 401


async def test_a_change_becomes_a_proposal_with_a_way_to_it(works: Works):
    client = await works.client("olga")
    conversation, _ = await answered(works, client, "set the mixer to 1050 rpm")
    page = (await client.get(f"/chat/{conversation}")).text
    assert 'href="/approvals/1"' in page
    assert "1000 rpm" in page
    assert "1050 rpm" in page
    assert "It expires at" in page


async def test_what_was_not_clear_is_offered_as_questions(works: Works):
    works.planner.script = {
        "how is the thing?": [{"tool": "read_signals", "asset": "thing"}],
    }
    client = await works.client("olga")
    conversation, _ = await answered(works, client, "how is the thing?")
    page = (await client.get(f"/chat/{conversation}")).text
    offers = re.findall(r'data-ask="([^"]+)"', page)
    assert offers == [] or all(offer.startswith("how is ") for offer in offers)
    assert "thing" in page


MARKUP = "<img src=x onerror=alert(1)>\"'&lt;/script>"


async def test_markup_in_questions_stays_text(works: Works):
    works.planner.script = {MARKUP: [{"tool": "read_signals", "asset": MARKUP}]}
    client = await works.client("olga")
    conversation, _ = await answered(works, client, MARKUP)
    for path in (f"/chat/{conversation}", "/conversations"):
        page = (await client.get(path)).text
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page


async def test_markup_in_what_the_plant_says_stays_text(works: Works):
    works.live.shown["s=M-1.current"] = MARKUP
    works.live.shown["s=M-1.state"] = MARKUP
    client = await works.client("olga")
    conversation, run_id = await answered(works, client, "how is the mixer?")
    page = (await client.get(f"/chat/{conversation}")).text
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page
    run = await works.services.runs.get(run_id)
    for seq, event in await told(works.services.runs, run_id):
        assert "<img src=x" not in show_event(works.services, "en", run, seq, event)["html"]


async def test_a_dead_plant_is_said_and_not_hidden(works: Works):
    works.live.shown = {}
    client = await works.client("olga")
    conversation, _ = await answered(works, client, "how is the mixer?")
    page = (await client.get(f"/chat/{conversation}")).text
    assert "no value" in page or "not reachable" in page
    assert "bad" in page


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "", "key": "k"}, 400),
        ({"text": "hello", "key": ""}, 422),
        ({"text": "hello", "key": "k" * 81}, 422),
        ({"text": "hello"}, 422),
        ({"text": "hello", "key": "k", "more": 1}, 422),
        ({"text": 1, "key": "k"}, 422),
        ({"text": "hello", "key": "k", "conversation": "../x"}, 422),
        ({"text": "hello", "key": "k", "conversation": "0" * 32}, 404),
    ],
)
async def test_what_is_no_question_is_refused(works: Works, body: dict[str, Any], status: int):
    client = await works.client("olga")
    answer = await client.post("/chat/messages", json=body, headers={"Accept": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


async def test_long_conversations_show_their_end_first(works: Works):
    client = await works.client("olga")
    conversation, _ = await answered(works, client, "hello")
    for number in range(20):
        sent = (await ask(client, "hello", conversation, f"key {number}")).json()
        await told(works.services.runs, sent["run"])
    page = (await client.get(f"/chat/{conversation}")).text
    assert "Show 1 earlier question" in page
    whole = (await client.get(f"/chat/{conversation}?whole=true")).text
    assert whole.count('<h2 class="question">hello</h2>') == 21


def test_every_tool_and_every_notice_of_ours_has_words():
    for tool in CATALOGUE:
        words = fill(
            "en",
            "cards/step_line.html",
            planned=PlannedCall(0, tool.name, "no words", ""),
            outcome=None,
        )
        assert "no words" not in words, tool.name
    for notice in (STOPPED, SHUT_DOWN, UNFORESEEN):
        assert f'"{notice}": _(' in (TEMPLATES / "cards/noticed.html").read_text(encoding="utf-8")


FACT = Fact("M-1", "x", 21.5, Source("OPC UA", "s=x"), NOON, "A", Quality.STALE)
FOUND = Findings(
    "M-1 found",
    facts=(replace(FACT, normal=Range(10.0, 20.0)), replace(FACT, interval=Range(1.0, None))),
    series=(Series("M-1", "x", "A", (NOON, NOON), (1.0, None), Source("history", "x")),),
    tables=(
        Table(
            "rows <here>",
            (Column("a", "A"), Column("empty"), Column("b")),
            ((1.5, None, "<x>"), (2, None, True)),
            9,
            Source("ERP", "t"),
            NOON,
        ),
    ),
    pictures=(Picture("scratch", Path("none.png"), ((1, 2, 3, 4),), Source("q", "p"), NOON),),
    notices=("one <source> is silent",),
)


def test_everything_found_is_shown(works_shown: Shown):
    call = Call("read_signals", {"asset": "M-1"})
    shown = works_shown(Outcome(0, call, FOUND, 0.21))["html"]
    for words in (
        "outside", "10 … 20 A", "≥ 1 A", "stale", "2 of 9 shown", "a (A)", "data-trend",
        "one &lt;source&gt; is silent", "rows &lt;here&gt;",
    ):  # fmt: skip
        assert words in shown, words
    assert "empty" not in shown
    quoted = replace(FOUND, quotes=(Quote("MAN-1", "Manual", "C", 3, "2.1", "Stop <it>."),))
    shown = works_shown(Outcome(0, call, quoted, 0.21))["html"]
    assert "Stop &lt;it&gt;." in shown
    assert "page 3" in shown
    assert "10 … 20 A" not in shown


def test_a_problem_says_since_when_and_offers_what_may_be_meant(
    works_shown: Shown,
):
    call = Call("read_signals", {"asset": "the pump"})
    two = (Candidate("P-2", "Pump", 0.6), Candidate("M-1", "", 0.4))
    shown = works_shown(Outcome(0, call, Problem("retry", "which <one>?", two), 0.1))["html"]
    assert re.findall(r'data-ask="([^"]+)"', shown) == ["how is Pump?", "how is M-1?"]
    assert "which &lt;one&gt;?" in shown
    assert "Pump (P-2)" in shown
    dead = Problem("unavailable", "ERP is not reachable", since=NOON)
    shown = works_shown(Outcome(0, call, dead, 0.1))["html"]
    assert "ERP is not reachable. It last answered at 2026-11-21 12:00." in " ".join(shown.split())
