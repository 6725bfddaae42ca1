"""All open streams: how many there may be, whose session is over, and their common end.

Whoever stops the server calls `end_streams(app)` first, from uvicorn.Server.handle_exit or
shutdown: the server waits for its connections, and a stream would never end by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException

from copilot.actor import Actor
from copilot.web.access import Visitor, session_token
from copilot.web.live.counters import StandingFeed, WaitingFeed
from copilot.web.live.outbox import Outbox
from copilot.web.live.pulse import Pulse
from copilot.web.services import Services

AT_MOST = 500
AT_MOST_EACH = 20
SESSIONS_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Credential:
    """What a stream was opened with; `current` tells whose it is now, None when it is over."""

    key: Hashable
    current: Callable[[], Actor | None]


class Streams:
    """The open streams of an application, and what all of them are told."""

    def __init__(self, services: Services) -> None:
        self._values = services.values
        self._waiting = WaitingFeed(services.copilot)
        self._standing = StandingFeed(services.copilot.plant)
        self._sessions = Pulse(SESSIONS_EVERY_S, self._check_sessions)
        self._open: dict[Outbox, tuple[Actor, Credential]] = {}
        self.ended = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def opened(
        self, outbox: Outbox, actor: Actor, credential: Credential, alarms: bool
    ) -> Iterator[None]:
        """Fill an outbox with values and counters until the end of this context."""
        with ExitStack() as stack:
            self._open[outbox] = (actor, credential)
            stack.callback(self._open.pop, outbox)
            stack.enter_context(self._sessions.needed())
            stack.enter_context(self._values.told_to(outbox))
            stack.enter_context(self._waiting.told_to(outbox, actor))
            if alarms:
                stack.enter_context(self._standing.told_to(outbox))
            yield

    def check_room(self, actor: Actor) -> None:
        """Raise an HTTPException when there are too many streams, in all or of this account."""
        if self.ended:
            raise HTTPException(503, "the server is about to stop", {"Retry-After": "5"})
        if len(self) >= AT_MOST:
            raise HTTPException(503, f"{AT_MOST} pages are live already", {"Retry-After": "30"})
        if Counter(one.name for one, _ in self._open.values())[actor.name] >= AT_MOST_EACH:
            text = f"you have {AT_MOST_EACH} live pages open already; close some"
            raise HTTPException(429, text, {"Retry-After": "30"})

    def end(self) -> None:
        """End every stream now, and let no new one begin."""
        self.ended = True
        for outbox in self._open:
            outbox.end()

    async def _check_sessions(self) -> None:
        credentials = {credential.key: credential for _, credential in self._open.values()}
        current = {key: await asyncio.to_thread(one.current) for key, one in credentials.items()}
        for outbox, (actor, credential) in list(self._open.items()):
            if credential.key not in current:
                continue
            now = current[credential.key]
            if now is None or now.name != actor.name:
                outbox.tell("signed-out", "{}")
            if now != actor:  # Who may now decide something else comes again and is counted anew.
                outbox.end()


def streams_of(app: FastAPI) -> Streams:
    """The streams of an application."""
    if not hasattr(app.state, "streams"):
        app.state.streams = Streams(app.state.services)
    streams: Streams = app.state.streams
    return streams


def end_streams(app: FastAPI) -> None:
    """End every stream of an application now, and let no new one begin."""
    streams_of(app).end()


def credential_of(request: Request, visitor: Visitor, services: Services) -> Credential:
    """What a visitor came with, to be asked about again without keeping a session awake."""
    if visitor.via == "token":
        secret = request.headers["Authorization"].partition(" ")[2].strip()
        return Credential(("token", secret), lambda: services.tokens.find(secret))
    token = session_token(request)

    def current() -> Actor | None:
        found = services.sessions.find(token, touch=False)
        return found[1] if found else None

    return Credential(("session", token), current)
