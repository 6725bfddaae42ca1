"""Webhooks against a real HTTP server: signed, in order, nothing lost, nothing told too early."""

import asyncio
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from proposing import look, propose, say
from pydantic import SecretStr
from sqlalchemy import Engine
from web_fixture import Works, open_works

from copilot.settings import WebhookSettings, WebSettings
from copilot.web.webhooks import tell_webhooks

SECRET = "shared by both"
PATIENCE_S = 30.0


class Listener(ThreadingHTTPServer):
    """Another system; it answers with `status` and remembers what it took."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.location = ""
        self.refused: list[str] = []
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.heard = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    def news(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.taken]

    async def wait_for(self, taken: int = 0, refused: int = 0) -> list[dict[str, Any]]:
        """The news, once so many were taken and refused."""

        def enough() -> bool:
            return len(self.taken) >= taken and len(self.refused) >= refused

        def wait() -> bool:
            with self.heard:
                return self.heard.wait_for(enough, PATIENCE_S)

        assert await asyncio.to_thread(wait)
        return self.news()


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status >= 300:
            self.server.refused.append(self.headers["X-Copilot-Delivery"])
        else:
            self.server.taken.append((dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()
        with self.server.heard:
            self.server.heard.notify_all()

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def log_message(self, *_: Any) -> None:
        return None


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def hooked(*urls: str) -> WebSettings:
    hooks = tuple(WebhookSettings(url=url, secret=SecretStr(SECRET)) for url in urls)
    return WebSettings(webhooks=hooks)


async def approve(works: Works) -> None:
    record = await propose(works, reason="secret words")
    sara = await works.client("sara")
    await look(sara, record)
    assert (await say(sara, record, "approve", words="more words")).status_code == 303


async def test_what_is_filed_and_decided_is_told_in_order_and_signed(
    own_engine: Engine, tmp_path: Path, listener: Listener
):
    async with open_works(own_engine, tmp_path, web=hooked(listener.url)) as works:
        await approve(works)
        news = await listener.wait_for(2)
    assert [item["event"] for item in news] == ["proposal.pending_approval", "proposal.ready"]
    assert news[0] == {
        "event": "proposal.pending_approval",
        "number": 1,
        "state": "pending_approval",
        "says": "M-1 speed 1000 rpm -> 1050 rpm",
        "asset": "M-1",
        "at": news[0]["at"],
        "link": "http://127.0.0.1:8180/approvals/1",
    }
    for headers, body in listener.taken:
        signed = f"{headers['X-Copilot-Timestamp']}.".encode() + body
        expected = hmac.new(SECRET.encode(), signed, "sha256").hexdigest()
        assert headers["X-Copilot-Signature"] == f"sha256={expected}"
        assert b"words" not in body


async def test_nothing_is_lost_over_a_restart_and_nothing_told_twice(
    own_engine: Engine, tmp_path: Path, listener: Listener
):
    listener.status = 503
    async with open_works(own_engine, tmp_path, web=hooked(listener.url)) as works:
        await approve(works)
        await listener.wait_for(refused=1)
    listener.status = 200
    async with tell_webhooks(works.services):
        news = await listener.wait_for(2)
    assert [item["state"] for item in news] == ["pending_approval", "ready"]
    ids = [headers["X-Copilot-Delivery"] for headers, _ in listener.taken]
    assert set(listener.refused) == {ids[0]}
    assert len(set(ids)) == 2


async def test_a_dead_hook_keeps_no_other_one_waiting_and_no_redirect_is_followed(
    own_engine: Engine, tmp_path: Path, listener: Listener
):
    with Listener() as away:
        thread = threading.Thread(target=away.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        away.status, away.location = 302, listener.url
        web = hooked("http://127.0.0.1:9/nobody", away.url, "ftp://127.0.0.1/x", listener.url)
        async with open_works(own_engine, tmp_path, web=web) as works:
            await approve(works)
            await listener.wait_for(2)
            await away.wait_for(refused=1)
        away.shutdown()
        thread.join()
    assert len(listener.taken) == 2
    assert away.taken == []
