"""Signing in with name and password, and signing out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from copilot.accounts.sessions import Kind
from copilot.web.access import Anybody, Owner, Served, cookie_name, session_token
from copilot.web.auth.way_back import way_back
from copilot.web.rendering import render
from copilot.web.services import Services
from copilot_tools.errors import Denied

router = APIRouter(include_in_schema=False)

Next = Annotated[str, Form(alias="next")]


@router.get("/sign-in")
async def show_sign_in(
    request: Request, visitor: Anybody, services: Served, next: str = "/"
) -> HTMLResponse:
    """The form, and in the demo its people to be with one tap."""
    return _form(request, services, next)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    visitor: Anybody,
    services: Served,
    name: Annotated[str, Form(max_length=80)],
    password: Annotated[str, Form(max_length=200)],
    next_page: Next = "/",
) -> Response:
    """Begin a session, in place of the one that was there."""
    try:
        actor = await asyncio.to_thread(services.sign_in.sign_in, name, password)
    except Denied as refusal:
        return _form(request, services, next_page, str(refusal), 401)
    return await enter(request, services, actor.name, Kind.FULL, next_page)


@router.post("/sign-in/guest")
async def sign_in_as_guest(
    request: Request,
    visitor: Anybody,
    services: Served,
    name: Annotated[str, Form(max_length=80)],
    next_page: Next = "/",
) -> Response:
    """Be one of the demo's people; nowhere else is there anybody to be without a password."""
    if name not in services.guests:
        raise Denied("nobody of that name can be signed in without a password")
    return await enter(request, services, name, Kind.FULL, next_page)


@router.post("/sign-out")
async def sign_out(request: Request, visitor: Owner, services: Served) -> RedirectResponse:
    """End this session."""
    assert visitor.session is not None
    name = visitor.actor.name
    await asyncio.to_thread(services.sessions.end, visitor.session.digest, name, name)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(cookie_name(request))
    return answer


async def enter(
    request: Request, services: Services, name: str, kind: Kind, next_page: str
) -> RedirectResponse:
    """Give the browser a new session of somebody who has proven who they are."""
    await asyncio.to_thread(_end_old, services, session_token(request))
    device = request.headers.get("User-Agent", "unknown")
    token = await asyncio.to_thread(services.sessions.begin, name, kind, device)
    answer = RedirectResponse(way_back(next_page), 303)
    answer.set_cookie(
        cookie_name(request),
        token,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def _end_old(services: Services, token: str) -> None:
    found = services.sessions.find(token) if token else None
    if found is not None:
        session, actor = found
        services.sessions.end(session.digest, actor.name, actor.name)


def _form(
    request: Request, services: Services, next_page: str, problem: str = "", status: int = 200
) -> HTMLResponse:
    return render(
        request,
        "sign_in.html",
        status=status,
        next_page=way_back(next_page),
        problem=problem,
        guests=services.guests,
        provider=services.settings.web.oidc,
    )
