"""The inbox of approvals: what waits, the card of one with the plant as it is now, the history."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from copilot.approvals.kill_switch import may_release, release_changes, stop_changes
from copilot.approvals.offers import Choice
from copilot.approvals.states import ENDED
from copilot.approvals.store import Record
from copilot.web.access import Decider, Reader, Served, Visitor
from copilot.web.card_page import open_card, open_now
from copilot.web.deciding import DecisionForm, decide, desk_of, status_of
from copilot.web.inbox import line_of, open_inbox
from copilot.web.rendering import render
from copilot.web.services import Services
from copilot_tools.display import printable
from copilot_tools.errors import Retry, ToolError

router = APIRouter(include_in_schema=False)

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Words = Annotated[str, Form(max_length=400)]

PAGE = 50


@router.get("/approvals")
async def show_inbox(request: Request, visitor: Reader, services: Served) -> HTMLResponse:
    """What is open: unknown results, what waits for the reader, the rest."""
    return await _inbox(request, visitor, services)


@router.get("/approvals/history")
async def show_history(
    request: Request,
    visitor: Reader,
    services: Served,
    state: Annotated[str, Query(max_length=24)] = "",
    person: Annotated[str, Query(max_length=80)] = "",
    asset: Annotated[str, Query(max_length=40)] = "",
    before: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> HTMLResponse:
    """What has ended, newest first."""
    desk = desk_of(services)
    states = [known for known in sorted(ENDED) if state in ("", known)]
    person, asset = person.strip(), asset.strip()
    records = await asyncio.to_thread(desk.search, states, person, asset, before, PAGE + 1)
    return render(
        request,
        "approvals_history.html",
        visitor,
        lines=[line_of(record) for record in records[:PAGE]],
        more=records[PAGE - 1].number if len(records) > PAGE else 0,
        states=sorted(ENDED),
        chosen={"state": state, "person": person, "asset": asset},
        before=before,
    )


@router.post("/approvals/stop")
async def stop(
    request: Request, visitor: Decider, services: Served, reason: Words = ""
) -> Response:
    """Stop all changes; everybody who has signed in may."""
    desk_of(services)
    engine, at = services.copilot.database, services.now()
    try:
        await asyncio.to_thread(stop_changes, engine, visitor.actor, reason, at)
    except ToolError as error:
        return await _inbox(request, visitor, services, error)
    return RedirectResponse("/approvals", 303)


@router.post("/approvals/release")
async def release(
    request: Request,
    visitor: Decider,
    services: Served,
    reason: Words = "",
    password: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Let changes go on: somebody in charge, with the password again."""
    desk_of(services)
    try:
        await asyncio.to_thread(_release, services, visitor, reason, password)
    except ToolError as error:
        return await _inbox(request, visitor, services, error)
    return RedirectResponse("/approvals", 303)


@router.get("/approvals/stop")
@router.get("/approvals/release")
async def go_back_to_inbox(visitor: Reader) -> RedirectResponse:
    """Where a browser comes to that loads the answer to a refused form again."""
    return RedirectResponse("/approvals", 303)


@router.get("/approvals/{number}")
async def show_card(
    request: Request, visitor: Reader, services: Served, number: Number
) -> HTMLResponse:
    """One proposal: the machine's facts first, somebody's words last."""
    return await _card(request, visitor, services, await _find(services, number))


@router.get("/approvals/{number}/now")
async def show_now(
    request: Request, visitor: Reader, services: Served, number: Number
) -> HTMLResponse:
    """The part of the card that changes: state, time left, the plant as it is now."""
    record = await _find(services, number)
    content = await open_now(services, visitor, record)
    return render(request, "approval_now.html", visitor, **content)


@router.get("/approvals/{number}/{choice}")
async def go_back_to_card(visitor: Reader, number: Number, choice: Choice) -> RedirectResponse:
    """Where a browser comes to that loads the answer to a refused decision again."""
    return RedirectResponse(f"/approvals/{number}", 303)


@router.post("/approvals/{number}/{choice}")
async def say(
    request: Request,
    visitor: Decider,
    services: Served,
    number: Number,
    choice: Choice,
    form: Annotated[DecisionForm, Form()],
) -> Response:
    """Decide; what is refused is shown on the card, with what was typed except the password."""
    record = await _find(services, number)
    try:
        decided = await decide(services, visitor, number, choice, form)
    except ToolError as error:
        record = await _find(services, number)
        return await _card(request, visitor, services, record, (choice, form, error))
    return RedirectResponse(f"/approvals/{decided.number}", 303)


async def _find(services: Services, number: int) -> Record:
    try:
        return await asyncio.to_thread(desk_of(services).get, number)
    except Retry:
        raise HTTPException(404) from None


async def _inbox(
    request: Request, visitor: Visitor, services: Services, error: ToolError | None = None
) -> HTMLResponse:
    desk = services.copilot.desk
    inbox = await asyncio.to_thread(open_inbox, services, desk, visitor.actor) if desk else None
    return render(
        request,
        "approvals.html",
        visitor,
        status_of(error) if error else 200,
        inbox=inbox,
        releases=may_release(visitor.actor),
        problem=printable(str(error)) if error else "",
    )


async def _card(
    request: Request,
    visitor: Visitor,
    services: Services,
    record: Record,
    tried: tuple[Choice, DecisionForm, ToolError] | None = None,
) -> HTMLResponse:
    content = await open_card(services, visitor, record)
    choice, form, error = tried or (None, DecisionForm(), None)
    return render(
        request,
        "approval.html",
        visitor,
        status_of(error) if error else 200,
        tried=choice,
        typed=form,
        none_typed=DecisionForm(),
        problem=printable(str(error)) if error else "",
        **content,
    )


def _release(services: Services, visitor: Visitor, reason: str, password: str) -> None:
    actor = services.sign_in.sign_in(visitor.actor.name, password)
    release_changes(services.copilot.database, actor, reason, services.now())
