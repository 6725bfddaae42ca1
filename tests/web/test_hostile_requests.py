"""What somebody sends who means harm, and what they get for it."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from account_fixture import PASSWORD
from web_fixture import HOST, Works

from copilot.web.access import COOKIE
from copilot.web.auth.proving import Door
from copilot.web.auth.way_back import way_back
from copilot.web.guard import LARGEST_BODY, Guard
from copilot_tools.errors import Denied

SIGN_IN = {"name": "olga", "password": PASSWORD}
ELSEWHERE = (
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/%0d%0aX-Evil: 1\r\nX-Evil: 1",
    "javascript:alert(1)",
    "https:evil.example",
    "//[",
    "",
    "plant",
)
ASK = "/api/v1/ask"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:8180.evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": HOST, "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_what_another_site_sends_is_not_taken(works: Works, headers: dict[str, str]):
    client = await works.client("olga")
    assert (await client.post("/sign-out", headers=headers)).status_code == 403
    assert (await client.get("/plant", headers=headers)).status_code == 200  # links may lead here
    stranger = await works.client()
    refused = await stranger.post("/sign-in", data=SIGN_IN, headers=headers)
    assert refused.status_code == 403
    assert COOKIE not in stranger.cookies


async def test_our_own_pages_are_heard(works: Works):
    client = await works.client()
    headers = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
    assert (await client.post("/sign-in", data=SIGN_IN, headers=headers)).status_code == 303


async def test_a_form_needs_the_secret_of_its_own_session(works: Works):
    olga, sara = await works.client("olga"), await works.client("sara")
    del olga.headers["X-CSRF-Token"]
    for form in ({}, {"csrf": ""}, {"csrf": works.csrf(sara)}, {"csrf": "ü"}):
        refused = await olga.post("/sign-out", data=form)
        assert refused.status_code == 403
    refused = await olga.post("/sign-out", params={"csrf": works.csrf(olga)})
    assert refused.status_code == 403
    assert (await olga.post("/sign-out", data={"csrf": works.csrf(olga)})).status_code == 303


async def test_a_cookie_from_before_signing_out_is_worth_nothing(works: Works):
    client = await works.client("olga")
    token, csrf = client.cookies[COOKIE], works.csrf(client)
    await client.post("/sign-out")
    thief = await works.client()
    thief.cookies[COOKIE] = token
    assert (await thief.get("/plant")).status_code == 303
    headers = {"X-CSRF-Token": csrf, "Accept": "application/json"}
    assert (await thief.post("/sign-out", headers=headers)).status_code == 401


async def test_a_session_that_was_planted_is_not_entered(works: Works):
    client = await works.client()
    client.cookies[COOKIE] = "chosen by somebody else"
    await client.post("/sign-in", data=SIGN_IN)
    assert works.services.sessions.find("chosen by somebody else") is None
    attacker = await works.client("sara")
    planted = attacker.cookies[COOKIE]
    victim = await works.client()
    victim.cookies[COOKIE] = planted
    await victim.post("/sign-in", data={**SIGN_IN, "csrf": works.csrf(attacker)})
    assert (await attacker.get("/plant")).status_code == 303


async def test_a_session_that_was_ended_is_over_at_once(works: Works):
    client = await works.client("olga")
    works.services.sessions.end_all("olga", "root")
    assert (await client.get("/plant")).status_code == 303


@pytest.mark.parametrize("wanted", ELSEWHERE)
async def test_nobody_is_sent_to_another_site(works: Works, wanted: str):
    client = await works.client()
    form = await client.get("/sign-in", params={"next": wanted})
    assert form.status_code == 200
    assert 'name="next" value="/"' in form.text
    entered = await client.post("/sign-in", data={**SIGN_IN, "next": wanted})
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert "x-evil" not in entered.headers


def test_our_own_pages_are_a_way_back():
    for page in ("/plant", "/plant/assets/M-1?hours=8&kiosk=1", "/chat?ask=why%20%22so%22#end"):
        assert way_back(page) == page


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "x:y:1"])
async def test_nobody_else_calls_us_by_another_name(works: Works, host: str):
    client = await works.client()
    refused = await client.get("/sign-in", headers={"Host": host})
    assert refused.status_code == 421
    assert "Content-Security-Policy" in refused.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"question": "hello", "question": "how is the mixer?"}', 400),
        (b'{"question": NaN}', 400),
        (b'{"question": Infinity}', 400),
        (b'{"question": 1e999}', 400),
        (b'{"question": "\\ud800"}', 400),
        (b'{"question": "\\u0000"}', 400),
        (b'{"question": "\xff"}', 400),
        (b"[" * 200_000, 400),
        (b'{"a":' * 100_000, 400),
        (b'{"question": ' + b"9" * 5000 + b"}", 400),
        (b"[]", 400),
        (b'"hello"', 400),
        (b"{", 400),
        (b"", 422),
        (b"{}", 422),
    ],
)
async def test_a_body_that_means_two_things_or_nothing_is_not_taken(
    works: Works, body: bytes, status: int
):
    client = await works.client("olga")
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    answer = await client.post(ASK, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.json()


@pytest.mark.parametrize("path", ["/sign-in", ASK, "/v1/chat/completions", "/mcp", "/preferences"])
async def test_a_large_body_is_not_read(works: Works, path: str):
    client = await works.client("olga")
    large = b"x" * (10 * LARGEST_BODY)
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        refused = await client.post(path, content=large, headers={"Content-Type": kind})
        assert refused.status_code == 413
    pulled = 0

    async def trickle() -> AsyncIterator[bytes]:
        nonlocal pulled
        for _ in range(100):
            pulled += 1
            yield b"x" * (LARGEST_BODY // 10)

    refused = await client.post(path, content=trickle(), headers={"Content-Type": kind})
    assert refused.status_code == 413
    assert pulled < 20


async def test_a_length_that_is_no_number_is_not_believed(works: Works):
    client = await works.client()
    for length in ("9" * 5000, "-1", "x", "0x10"):
        refused = await client.get("/sign-in", headers={"Content-Length": length})
        assert refused.status_code == 413


@asynccontextmanager
async def listening(works: Works, patience_s: float) -> AsyncIterator[int]:
    """The port of a real server, for clients that are no real clients."""
    guarded = Guard(works.app, patience_s=patience_s)
    config = uvicorn.Config(guarded, port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    serving = asyncio.create_task(server.main_loop())
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        await server.shutdown()


async def test_a_client_that_sends_too_slowly_is_left(works: Works):
    head = (
        "POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 40\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nname=olga&"
    )
    async with listening(works, 0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode())
        await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()


def test_a_stream_outlives_the_patience_for_bodies():
    """A page that has been asked for waits for news as long as it likes; so does its guard."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        gone = await asyncio.wait_for(receive(), 5)
        assert gone["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def follow() -> list[Any]:
        news: asyncio.Queue[Any] = asyncio.Queue()
        news.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        asyncio.get_running_loop().call_later(0.2, news.put_nowait, {"type": "http.disconnect"})
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "headers": [(b"host", b"localhost")],
        }
        await Guard(application, patience_s=0.05)(scope, news.get, send)
        return sent

    assert [message["status"] for message in asyncio.run(follow())] == [204]


async def test_a_rush_at_the_door_is_turned_away_before_it_holds_up_the_pages():
    door, checked, opened = Door(at_once=1, waiting=1), [], threading.Event()

    def check(name: str) -> str:
        opened.wait(5)
        checked.append(name)
        return name

    first, second = (asyncio.create_task(door.prove(check, name)) for name in ("a", "b"))
    await asyncio.sleep(0)
    with pytest.raises(Denied, match="too many people"):
        await door.prove(check, "c")
    opened.set()
    assert await asyncio.gather(first, second) == ["a", "b"]
    assert await door.prove(check, "d") == "d"
    assert checked == ["a", "b", "d"]


async def test_every_answer_tells_browsers_to_be_careful(works: Works):
    client = await works.client("olga")
    for path in ("/plant", "/nothing", "/static/app.css", "/api/v1/tools", "/sign-in"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        expected = "no-cache" if path.startswith("/static") else "no-store"
        assert headers["Cache-Control"] == expected


async def test_errors_tell_nothing_of_the_inside(works: Works):
    client = await works.client("olga", Accept="application/json")
    for path in ("/nothing", "/static/../access.py", "/static/%2e%2e/access.py"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert "Traceback" not in answer.text
    text = json.dumps({"error": {"message": "There is nothing here.", "type": "http", "code": 404}})
    assert (await client.get("/nothing")).json() == json.loads(text)


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer x", "bearer copilot_x", "Basic b2xnYTp4", "\xff"]
)
async def test_a_token_that_is_none_opens_nothing(works: Works, value: str):
    client = await works.client("", Accept="application/json")
    headers = {"Authorization": value.encode("latin-1")}
    assert (await client.get("/plant", headers=headers)).status_code == 401  # type: ignore[arg-type]


async def test_a_token_reads_but_never_decides(works: Works):
    secret = works.services.tokens.add("mes", 9, by="root")
    client = await works.client("", Accept="application/json", Authorization=f"Bearer {secret}")
    assert (await client.get("/plant")).status_code == 200
    assert (await client.get("/account")).status_code == 403
    assert (await client.post("/account/people/end", data={"name": "olga"})).status_code == 403
    works.services.tokens.revoke("mes", by="root")
    assert (await client.get("/plant")).status_code == 401
