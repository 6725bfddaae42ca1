"""The one stream of a tab, over a real server: values, counters, ends, and what is left behind."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import uvicorn
from account_fixture import PASSWORD
from web_fixture import Works

from copilot.actor import Role
from copilot.web.access import COOKIE
from copilot.web.live.streams import AT_MOST_EACH, end_streams, streams_of
from copilot_tools.sources.protocols import AlarmState

LONG_S = 20.0


@dataclass(frozen=True, slots=True)
class Event:
    kind: str
    data: Any
    id: str = ""


class Stream:
    """A stream as a browser reads it."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, *kinds: str) -> Event:
        """The next event of one of these kinds; the others are passed over."""
        async with asyncio.timeout(LONG_S):
            while True:
                event = await self._event()
                if event is None:
                    return Event("end", None)
                if event.kind in kinds:
                    return event

    async def _event(self) -> Event | None:
        told: dict[str, str] = {}
        async for line in self._lines:
            if not line and "data" in told:
                return Event(told["event"], json.loads(told["data"]), told.get("id", ""))
            name, colon, text = line.partition(": ")
            if colon and name:
                told[name] = text
        return None


@dataclass(frozen=True, slots=True)
class Served:
    """The works behind a real server."""

    works: Works
    url: str

    @asynccontextmanager
    async def client(self, name: str = "") -> AsyncIterator[httpx2.AsyncClient]:
        async with httpx2.AsyncClient(base_url=self.url, timeout=LONG_S) as client:
            if name:
                sent = await client.post("/sign-in", data={"name": name, "password": PASSWORD})
                assert sent.status_code == 303, sent.text
            yield client

    @asynccontextmanager
    async def stream(
        self, client: httpx2.AsyncClient, query: str = "", **headers: str
    ) -> AsyncIterator[Stream]:
        async with client.stream("GET", f"/events{query}", headers=headers) as response:
            assert response.status_code == 200, await response.aread()
            yield Stream(response)

    async def left(self) -> None:
        """Wait until no stream is open."""
        async with asyncio.timeout(LONG_S):
            while len(streams_of(self.works.app)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def served(works: Works) -> AsyncIterator[Served]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = uvicorn.Config(works.app, lifespan="off", log_level="warning", ws="none")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([taken]))
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield Served(works, f"http://127.0.0.1:{taken.getsockname()[1]}")
        end_streams(works.app)
        server.should_exit = True
        await task


async def test_a_tab_is_told_the_values_it_shows_and_only_their_changes(served: Served):
    async with (
        served.client("olga") as client,
        served.stream(client, "?signal=M-1.motor%20current&signal=M-1.state") as stream,
    ):
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["x-accel-buffering"] == "no"
        first = await stream.next("values")
        assert first.data["M-1.motor current"] == {
            "text": "15.5 A",
            "unit": "A",
            "quality": "good",
            "time": served.works.clock().isoformat(timespec="milliseconds"),
            "at": served.works.clock().isoformat(timespec="milliseconds"),
            "value": 15.5,
            "state": "usual",
            "words": "",
            "bar": 53.6,
        }
        assert first.data["M-1.state"]["state"] == "running"
        served.works.live.shown["s=M-1.current"] = 25.0
        second = await stream.next("values")
        assert set(second.data) == {"M-1.motor current"}
        assert second.data["M-1.motor current"]["state"] == "outside"
        assert "outside its normal range" in second.data["M-1.motor current"]["words"]


async def test_who_is_not_signed_in_gets_no_stream(served: Served):
    async with served.client() as client:
        for path in ("/events", "/events/here"):
            assert (await client.get(path)).status_code == 401
    async with served.client("olga") as client:
        assert (await client.get("/events/here")).status_code == 204


async def test_nothing_is_read_or_kept_once_everybody_has_left(served: Served):
    works = served.works
    async with served.client("olga") as client:
        async with served.stream(client, "?signal=M-1.speed%20setpoint") as stream:
            await stream.next("values")
            assert works.services.values.watchers == 1
        await served.left()
    assert works.services.values.watchers == 0
    reads = works.live.reads
    await asyncio.sleep(1.5)
    assert works.live.reads == reads


async def test_a_source_that_does_not_answer_is_said_and_its_values_grow_old(served: Served):
    works = served.works
    async with (
        served.client("olga") as client,
        served.stream(client, "?signal=M-1.motor%20current") as stream,
    ):
        await stream.next("values")
        works.live.dead = True
        said = await stream.next("source")
        assert said.data["ok"] is False
        assert "the controllers is not reachable" in said.data["text"]
        assert said.data["since"] is not None
        works.clock.advance(seconds=30)
        old = await stream.next("values")
        assert old.data["M-1.motor current"]["quality"] == "stale"
        works.live.dead = False
        assert (await stream.next("source")).data == {"ok": True}
        assert (await stream.next("values")).data["M-1.motor current"]["quality"] == "good"


async def test_a_revoked_session_ends_its_streams(served: Served):
    async with (
        served.client("olga") as client,
        served.stream(client, "?signal=M-1.state") as stream,
    ):
        await stream.next("values")
        await asyncio.to_thread(served.works.services.sessions.end_all, "olga", "root")
        assert (await stream.next("signed-out")).kind == "signed-out"
        assert (await stream.next("values")).kind == "end"


async def test_a_stream_ends_when_its_reader_has_another_role_and_may_begin_again(served: Served):
    async with served.client("olga") as client:
        async with served.stream(client) as stream:
            await stream.next("waiting")
            accounts = served.works.services.accounts
            await asyncio.to_thread(accounts.change_role, "olga", Role.SUPERVISOR, by="root")
            assert (await stream.next("signed-out")).kind == "end"
        assert (await client.get("/events/here")).status_code == 204


async def test_the_server_can_stop_although_streams_are_open(served: Served):
    async with served.client("olga") as client, served.stream(client) as stream:
        await stream.next("waiting")
        end_streams(served.works.app)
        assert (await stream.next("waiting")).kind == "end"
        again = await client.get("/events")
        assert again.status_code == 503


async def test_an_account_has_so_many_streams_and_no_more(served: Served):
    async with served.client("olga") as client:
        answers = [
            await client.send(client.build_request("GET", "/events"), stream=True)
            for _ in range(AT_MOST_EACH)
        ]
        refused = await client.get("/events")
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
        for answer in answers:
            await answer.aclose()
        await served.left()
        async with served.stream(client) as stream:
            await stream.next("waiting")


async def test_a_run_of_somebody_else_is_as_if_it_were_not_there(served: Served):
    async with (
        served.client("olga") as client,
        served.stream(client, "?run=no-such-run:3") as stream,
    ):
        assert (await stream.next("gone")).data == {"run": "no-such-run"}


async def test_alarms_that_come_and_go_are_told(served: Served):
    works = served.works
    definition = works.services.copilot.plant.site.alarms()[0]
    async with (
        served.client("olga") as client,
        served.stream(client, "?alarms=true&signal=M-1.state") as stream,
    ):
        await stream.next("values")
        works.live.alarms.append(AlarmState(definition, True, False, works.clock()))
        told = await stream.next("alarms")
        assert told.data == {"known": True, "standing": 1, "unacknowledged": 1}


async def test_a_page_that_nobody_sits_at_does_not_keep_its_session_awake(served: Served):
    works = served.works
    async with served.client("olga") as client:
        for _ in range(4):
            works.clock.advance(minutes=4)
            background = {"X-Background": "1"}
            answer = await client.get("/events/here", headers=background)
        assert answer.status_code == 401


async def test_a_run_is_told_event_by_event_and_goes_on_where_the_line_was_lost(served: Served):
    services = served.works.services
    async with served.client("olga") as client:
        _, actor = services.sessions.find(client.cookies[COOKIE]) or (None, None)
        assert actor is not None
        conversation = await services.copilot.conversations.start(actor)
        run = await services.runs.start(actor, conversation, "how is the mixer?", "key-1")
        seen: list[Event] = []
        async with served.stream(client, f"?run={run.id}") as stream:
            while not seen or seen[-1].data["kind"] != "ended":
                seen.append(await stream.next("run"))
        numbers = [event.data["seq"] for event in seen]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert [event.id for event in seen] == [f"{run.id}:{number}" for number in numbers]
        assert {"planned", "outcome", "answered"} <= {event.data["kind"] for event in seen}
        last = {"Last-Event-ID": seen[1].id}
        async with served.stream(client, f"?run={run.id}", **last) as stream:
            again = [await stream.next("run") for _ in seen[2:]]
        assert again == seen[2:]
        async with served.stream(client, f"?run={run.id}:{numbers[-2]}") as stream:
            assert await stream.next("run") == seen[-1]
    async with (
        served.client("tina") as client,
        served.stream(client, f"?run={run.id}") as stream,
    ):
        assert (await stream.next("run", "gone")).kind == "gone"
