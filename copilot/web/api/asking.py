"""Questions of other programs: asked like those of people, but nothing can be proposed by them."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

from anyio import CancelScope
from fastapi import HTTPException, Request

from copilot.actor import Actor
from copilot.events import Answered, Event, Noticed, Queued
from copilot.web.access import services_of
from copilot.web.services import Services
from copilot_tools.errors import Unavailable

MOST_AT_ONCE = 4
RETRY_AFTER_S = 2


class Busy:
    """How many questions each account has running; one that has enough is told to wait."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    def running(self, account: str) -> int:
        """How many questions of an account are being answered."""
        return self._running[account]

    @contextmanager
    def one(self, account: str) -> Iterator[None]:
        """Count one question while it runs; status 429 when there are enough."""
        if self.running(account) >= MOST_AT_ONCE:
            text = f"{MOST_AT_ONCE} questions of this account are being answered; try again soon"
            raise HTTPException(429, text, {"Retry-After": str(RETRY_AFTER_S)})
        self._running[account] += 1
        try:
            yield
        finally:
            self._running[account] -= 1
            if not self._running[account]:
                del self._running[account]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a question came to; `notices` are about the turn itself."""

    run: str
    answered: Answered
    notices: tuple[str, ...]


def busy(request: Request) -> Busy:
    """The counts of the application that a request came to."""
    state = request.app.state
    if not hasattr(state, "busy"):
        state.busy = Busy()
    counts: Busy = state.busy
    return counts


async def begin(request: Request, actor: Actor) -> str:
    """A new conversation, unless the account has enough questions running."""
    with busy(request).one(actor.name):
        return await services_of(request).copilot.conversations.start(actor)


async def ask(
    request: Request, actor: Actor, conversation: str, text: str
) -> AsyncGenerator[tuple[str, Event], None]:
    """The id of the run and what happens in it; who stops listening stops the run."""
    services = services_of(request)
    # Whatever they signed in with: over an interface for programs nothing is proposed.
    reader = replace(actor, authenticated=False)
    with busy(request).one(actor.name):
        run = await services.runs.start(reader, conversation, text, uuid4().hex)
        over = False
        try:
            yield run.id, Queued(0)  # So that an answer can begin before anything is planned.
            async with aclosing(services.runs.follow(run.id, 0)) as happened:
                async for _, event in happened:
                    yield run.id, event
            over = True
        finally:
            if not over:
                await _stop(services, run.id, actor.name)


async def reply_to(request: Request, actor: Actor, conversation: str, text: str) -> Reply:
    """The whole answer; raises Unavailable when the run was ended before there was one."""
    answered, notices, asked = None, [], ""
    async with aclosing(ask(request, actor, conversation, text)) as events:
        async for run, event in events:
            if isinstance(event, Answered):
                answered, asked = event, run
            elif isinstance(event, Noticed):
                notices.append(event.message)
    if answered is None:
        raise Unavailable("the answer", " ".join(notices) or "it was stopped")
    return Reply(asked, answered, tuple(notices))


async def _stop(services: Services, run: str, account: str) -> None:
    with CancelScope(shield=True):
        await services.runs.stop(run, account)
