"""The one stream of events of a tab: values, counters, alarms, and the steps of its runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from copilot.actor import Actor
from copilot.web.access import Reader, Served
from copilot.web.live.outbox import Outbox
from copilot.web.live.run_feed import RunFeed, wanted_runs
from copilot.web.live.streams import Credential, Streams, credential_of, streams_of
from copilot.web.texts import language_of

MOST_SIGNALS = 600
MOST_RUNS = 8
PING_S = 15.0
RECONNECT_MS = 2000
STUCK_AFTER_S = 60.0
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

router = APIRouter(include_in_schema=False)


@router.get("/events")
async def stream_events(
    request: Request,
    visitor: Reader,
    services: Served,
    signal: Annotated[list[str], Query(max_length=MOST_SIGNALS)] = [],  # noqa: B006
    run: Annotated[list[str], Query(max_length=MOST_RUNS)] = [],  # noqa: B006
    alarms: bool = False,
) -> Response:
    """Values of the signals, steps of the runs (`ID` or `ID:SEQ`, after which they begin), and
    counters. `Last-Event-ID` goes before the place that a run's name gives.
    """
    streams = streams_of(request.app)
    streams.check_room(visitor.actor)
    runs = wanted_runs(run, request.headers.get("Last-Event-ID", ""))
    feed = RunFeed(services, language_of(request), visitor.actor, runs)
    outbox = Outbox(signal)
    credential = credential_of(request, visitor, services)
    return EventStream(streams, outbox, feed, visitor.actor, credential, alarms)


@router.get("/events/here")
async def answer_here(visitor: Reader) -> Response:
    """Nothing, to a page that lost its stream and asks whether it is still signed in."""
    return Response(status_code=204)


class EventStream(Response):
    """An answer that goes on until its reader leaves, is signed out, or the server stops."""

    def __init__(
        self,
        streams: Streams,
        outbox: Outbox,
        feed: RunFeed,
        actor: Actor,
        credential: Credential,
        alarms: bool,
    ) -> None:
        super().__init__(headers=HEADERS, media_type="text/event-stream")
        del self.headers["content-length"]
        self._streams = streams
        self._outbox = outbox
        self._feed = feed
        self._who = (actor, credential, alarms)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events as they come."""
        outbox = self._outbox
        with self._streams.opened(outbox, *self._who):
            async with _beside(self._feed.fill(outbox), _end_when_left(receive, outbox)):
                start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
                await send(start)
                await self._send(send, b"retry: %d\n\n%s" % (RECONNECT_MS, self._clock()))
                while True:
                    await outbox.wait(PING_S)
                    waiting = outbox.take()
                    if waiting:
                        await self._send(send, waiting)
                    if outbox.ended:
                        break
                    if not waiting:
                        await self._send(send, b": ping\n\n" + self._clock())
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _clock(self) -> bytes:
        """The plant's time, by which pages tell ages."""
        return b"event: clock\ndata: " + json.dumps(self._feed.now().isoformat()).encode() + b"\n\n"

    async def _send(self, send: Send, body: bytes) -> None:
        """Hand bytes on; a reader that takes nothing for a minute may come again."""
        try:
            async with asyncio.timeout(STUCK_AFTER_S):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            self._outbox.end()


async def _end_when_left(receive: Receive, outbox: Outbox) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    outbox.end()


@asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on beside, until the end of this context at most."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
