"""The chat: ask, see the steps as they run, stop, say whether it was right."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from copilot.conversations import Said
from copilot.runs.store import NoSuchConversation, NoSuchRun, Run
from copilot.web.access import Owner, Served, Visitor
from copilot.web.pages.chat_questions import suggest
from copilot.web.rendering import render
from copilot.web.services import Services
from copilot.web.showing import ShownRun, show_run
from copilot.web.strict import StrictRoute
from copilot.web.texts import language_of

SHOWN = 20

router = APIRouter(include_in_schema=False)
messages = APIRouter(include_in_schema=False, route_class=StrictRoute)

Words = Annotated[str, Query(max_length=4000)]
Short = Annotated[str, Query(max_length=80)]


class Message(BaseModel):
    """A question, in a conversation or in a new one; `key` is the same when it is sent again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    conversation: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    text: Annotated[str, Field(max_length=100_000)]
    key: Annotated[str, Field(min_length=1, max_length=80)]


class Feedback(BaseModel):
    """Whether an answer was right, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    right: bool
    why: str = ""


@router.get("/chat")
async def begin_chat(
    request: Request, visitor: Owner, services: Served, ask: Words = "", asset: Short = ""
) -> HTMLResponse:
    """A chat in which nothing was said yet, with questions that may be worth asking."""
    suggestions = await suggest(services.copilot.plant, asset)
    return render(
        request,
        "chat.html",
        visitor,
        conversation="",
        title="",
        said=[],
        turns=[],
        hidden=0,
        ratings={},
        ask=ask,
        suggestions=suggestions,
    )


@router.get("/chat/{conversation}")
async def go_on(
    request: Request,
    visitor: Owner,
    services: Served,
    conversation: str,
    ask: Words = "",
    whole: bool = False,
) -> HTMLResponse:
    """A conversation with all that happened in it so far, to go on with."""
    with found():
        runs = await runs_of(services, visitor, conversation)
    first = runs[0].started if runs else None
    said = await services.copilot.conversations.said(conversation)
    spoken = [turn for turn in said if first is None or turn.asked < first]
    shown = runs if whole else runs[-SHOWN:]
    turns = await _show(services, language_of(request), shown)
    return render(
        request,
        "chat.html",
        visitor,
        conversation=conversation,
        title=_title(spoken, runs),
        said=spoken,
        turns=turns,
        hidden=len(runs) - len(shown),
        ratings=await services.runs.ratings([run.id for run in shown], visitor.actor.name),
        ask=ask,
        suggestions=[],
    )


@messages.post("/chat/messages")
async def ask(message: Message, visitor: Owner, services: Served) -> dict[str, str]:
    """Begin to answer a question; a second tap with the same key asks once."""
    conversation = message.conversation
    if conversation is None:
        conversation = await services.copilot.conversations.start(visitor.actor)
    with found():
        run = await services.runs.start(visitor.actor, conversation, message.text, message.key)
    return {"conversation": run.conversation, "run": run.id, "text": run.text}


@messages.post("/runs/{run}/stop")
async def stop(run: str, visitor: Owner, services: Served) -> dict[str, str]:
    """Stop an answer that is on its way; one that is there already stays."""
    with found():
        stopped = await services.runs.stop(run, visitor.actor.name)
    return {"run": stopped.id, "state": stopped.state}


@messages.post("/runs/{run}/feedback")
async def rate(
    run: str, feedback: Feedback, visitor: Owner, services: Served
) -> dict[str, bool | str]:
    """Keep what the person who asked thinks of the answer."""
    with found():
        await services.runs.rate(run, visitor.actor.name, feedback.right, feedback.why)
    return {"run": run, "right": feedback.right}


@contextmanager
def found() -> Iterator[None]:
    """What is not there, or not this person's to see, is answered with 404 alike."""
    try:
        yield
    except (NoSuchConversation, NoSuchRun):
        raise HTTPException(404) from None


async def runs_of(services: Services, visitor: Visitor, conversation: str) -> list[Run]:
    """The runs of a conversation of this person; raises NoSuchConversation for any other."""
    if await services.copilot.conversations.owner(conversation) != visitor.actor.name:
        raise NoSuchConversation
    return await services.runs.of(conversation)


async def _show(services: Services, language: str, runs: list[Run]) -> list[ShownRun]:
    events = await services.runs.events_of([run.id for run in runs])
    return await asyncio.to_thread(
        lambda: [show_run(services, language, run, events[run.id]) for run in runs]
    )


def _title(said: list[Said], runs: list[Run]) -> str:
    texts = [turn.text for turn in said] + [run.text for run in runs]
    return texts[0] if texts else ""


router.include_router(messages)
