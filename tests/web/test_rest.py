"""REST for other programs: tools, machines, questions and proposals."""

import math
from pathlib import Path

import httpx2
import pytest
from web_fixture import NOON, Works

from copilot.actor import Actor, Role
from copilot.web.api.asking import MOST_AT_ONCE, Busy
from copilot.web.api.calls import READING
from copilot.web.api.found import show_found
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


async def program(works: Works, name: str = "mes") -> httpx2.AsyncClient:
    secret = works.services.tokens.add(name, 30, by="root")
    return await works.client(Accept="application/json", Authorization=f"Bearer {secret}")


async def test_a_program_reads_values_with_unit_quality_time_and_source(works: Works):
    client = await program(works)
    answer = await client.post("/api/v1/tools/read_signals", json={"asset": "the mixer"})
    assert answer.status_code == 200
    fact = next(f for f in answer.json()["facts"] if f["name"] == "motor current")
    assert (fact["value"], fact["unit"], fact["quality"]) == (15.5, "A", "good")
    assert fact["time"] == "2026-11-21T11:00:00Z"
    assert fact["source"]["reference"]
    assert fact["normal"] == {"low": 10.0, "high": 20.0}


async def test_the_catalogue_offers_what_looks_and_nothing_else(works: Works):
    client = await program(works)
    listed = (await client.get("/api/v1/tools")).json()["tools"]
    assert [tool["name"] for tool in listed] == [tool.name for tool in READING]
    for name in ("write_setpoint", "reply", "nothing"):
        assert (await client.post(f"/api/v1/tools/{name}", json={})).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ('{"asset": "M-1", "asset": "P-2"}', 400, "twice"),
        ('{"asset": NaN}', 400, "NaN"),
        ("[]", 400, "not a JSON object"),
        ("", 422, "required"),
        ('{"asset": "Q-77"}', 400, "Q-77"),
        ('{"asset": 5}', 400, "asset"),
        ('{"machine": "M-1", "asset": "M-1"}', 400, "machine"),
    ],
)
async def test_a_wrong_call_is_told_what_is_wrong(works: Works, body: str, status: int, says: str):
    client = await program(works)
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/tools/read_signals", content=body, headers=headers)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]


async def test_machines_are_listed_and_shown(works: Works):
    client = await program(works)
    every = (await client.get("/api/v1/assets")).json()["assets"]
    assert [asset["id"] for asset in every] == ["M-1", "P-2"]
    north = (await client.get("/api/v1/assets", params={"area": "N"})).json()["assets"]
    assert [asset["id"] for asset in north] == ["M-1"]
    mixer = (await client.get("/api/v1/assets/M-1")).json()
    assert mixer["signals"][0]["unit"] == "A"
    assert mixer["setpoints"][0]["bounds"] == {"low": 500.0, "high": 1500.0}
    assert (await client.get("/api/v1/assets/Q-9")).status_code == 404


async def test_a_question_is_answered_and_followed_up_by_the_same_program_only(works: Works):
    client = await program(works)
    answer = await client.post("/api/v1/ask", json={"text": "how is the mixer?"})
    assert answer.status_code == 200
    reply = answer.json()
    assert "15.5 A" in reply["text"]
    assert reply["outcomes"][0]["tool"] == "read_signals"
    assert reply["outcomes"][0]["found"]["facts"]
    more = {"text": "how is the mixer?", "conversation": reply["conversation"]}
    assert (await client.post("/api/v1/ask", json=more)).status_code == 200
    assert [turn.user for turn in works.planner.histories[-1]] == ["how is the mixer?"]
    other = await program(works, "other")
    assert (await other.post("/api/v1/ask", json=more)).status_code == 400


async def test_a_person_signed_in_asks_too_but_proposes_only_on_the_pages(works: Works):
    change = {"text": "set the mixer to 1050 rpm"}
    client = await works.client("olga", Accept="application/json")
    answer = await client.post("/api/v1/ask", json=change)
    assert answer.status_code == 200
    assert "signed in" in answer.json()["text"]
    assert answer.json()["outcomes"] == []
    assert works.services.copilot.desk is not None
    assert works.services.copilot.desk.list() == []
    del client.headers["X-CSRF-Token"]
    assert (await client.post("/api/v1/ask", json=change)).status_code == 403


async def test_an_account_has_only_so_many_questions_running(works: Works):
    works.app.state.busy = busy = Busy()
    client = await program(works)
    running = [busy.one("token:mes") for _ in range(MOST_AT_ONCE)]
    for one in running:
        one.__enter__()
    refused = await client.post("/api/v1/ask", json={"text": "how is the mixer?"})
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "2"
    running[0].__exit__(None, None, None)
    answered = await client.post("/api/v1/ask", json={"text": "how is the mixer?"})
    assert answered.status_code == 200


async def test_proposals_are_looked_at(works: Works):
    person = await works.client("olga", Accept="application/json")
    actor = Actor("olga", Role.OPERATOR, "olga", ("N",), authenticated=True)
    conversation = await works.services.copilot.conversations.start(actor)
    turn = works.services.copilot.agent.turn(actor, conversation, "set the mixer to 1050 rpm")
    async for _ in turn:
        pass
    for client in (person, await program(works)):
        listed = (await client.get("/api/v1/proposals?state=pending_approval")).json()
        (shown,) = listed["proposals"]
        assert (shown["old"], shown["new"], shown["unit"]) == (1000.0, 1050.0, "rpm")
        assert shown["proposer"] == "olga"
        assert (await client.get("/api/v1/proposals?state=verified")).json()["proposals"] == []
        assert (await client.get("/api/v1/proposals", params={"after": 1})).json() == {
            "proposals": []
        }
        assert (await client.get("/api/v1/proposals/1")).json() == shown
        assert (await client.get("/api/v1/proposals/2")).status_code == 404
        assert (await client.post("/api/v1/proposals/1")).status_code == 405


async def test_nobody_gets_in_without_a_good_token(works: Works):
    client = await works.client(Accept="application/json", Authorization="Bearer copilot_no")
    for path in ("/api/v1/openapi.json", "/api/v1/tools", "/api/v1/assets", "/api/v1/proposals"):
        refused = await client.get(path)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_whatever_a_tool_finds_has_a_place_in_the_answer():
    source, time = Source("history", "a"), NOON
    found = Findings(
        "Found.",
        facts=(
            Fact("M-1", "state", "running", source, time),
            Fact("M-1", "flow", math.inf, source, time, "l/min", Quality.BAD),
            Fact("M-1", "since", NOON, source, time, interval=Range(1.0, None)),
            Fact("M-1", "locked", False, source, time),
        ),
        series=(Series("M-1", "flow", "l/min", (NOON, NOON), (1.5, math.nan), source),),
        tables=(Table("T", (Column("a", "kg"),), ((1,), (NOON,), (None,)), 9, source, time),),
        pictures=tuple(
            Picture("dent", Path(path), ((1, 2, 3, 4),), source, time)
            for path in ("/srv/images/L1/a b.png", "/elsewhere/c.png")
        ),
        quotes=(Quote("man", "Manual", "B", 3, "2.1", "Switch it off."),),
    )
    shown = show_found(found, Path("/srv/images")).model_dump(mode="json")
    values = [fact["value"] for fact in shown["facts"]]
    assert values == ["running", None, "2026-11-21T11:00:00Z", False]
    assert shown["facts"][2]["interval"] == {"low": 1.0, "high": None}
    assert shown["series"][0]["values"] == [1.5, None]
    assert shown["tables"][0]["rows"] == [[1], ["2026-11-21T11:00:00Z"], [None]]
    images = [picture["image"] for picture in shown["pictures"]]
    assert images == ["/images/L1/a%20b.png", "/images/c.png"]
    assert shown["quotes"][0]["page"] == 3


async def test_the_document_and_the_page_name_every_tool(works: Works):
    client = await program(works)
    document = (await client.get("/api/v1/openapi.json")).json()
    page = (await (await works.client("olga")).get("/interfaces")).text
    for tool in READING:
        assert f"/api/v1/tools/{tool.name}" in document["paths"]
        assert tool.name in page
    assert not [path for path in document["paths"] if not path.startswith(("/api/v1/", "/v1/"))]
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert {"401", "403", "503"} <= set(operation["responses"])
