"""Signing in with name and password, and signing out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from copilot.accounts.sessions import Kind
from copilot.accounts.sign_in import PasswordIsDue
from copilot.web.access import Anybody, OwnerAtOnce, Served, Visitor
from copilot.web.auth.entering import address_of, enter, leave
from copilot.web.auth.proving import DOOR
from copilot.web.auth.way_back import way_back
from copilot.web.rendering import kiosk, render
from copilot.web.services import Services
from copilot_tools.errors import Denied

router = APIRouter(include_in_schema=False)

Next = Annotated[str, Form(alias="next", max_length=2000)]


@router.get("/sign-in")
async def show_sign_in(
    request: Request, visitor: Anybody, services: Served, next: str = "/"
) -> HTMLResponse:
    """The form, and in the demo its people to be with one tap."""
    return await sign_in_form(request, services, visitor, next)


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
    name = name.strip().lower()
    try:
        await DOOR.prove(services.sign_in.sign_in, name, password, address_of(request))
    except PasswordIsDue:
        return await enter(request, services, name, Kind.CHANGE, "/account/password")
    except Denied as refusal:
        return await sign_in_form(request, services, visitor, next_page, str(refusal), 401)
    return await enter(request, services, name, Kind.FULL, next_page)


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
async def sign_out(request: Request, visitor: OwnerAtOnce, services: Served) -> RedirectResponse:
    """End this session."""
    assert visitor.session is not None
    name = visitor.actor.name
    await asyncio.to_thread(services.sessions.end, visitor.session.digest, name, name)
    return leave(request, "/kiosk" if kiosk(request) else "/sign-in")


async def sign_in_form(
    request: Request,
    services: Services,
    visitor: Visitor | None,
    next_page: str,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The page with every way in that there is here."""
    accounts = await asyncio.to_thread(services.accounts.list) if services.guests else ()
    roles = {account.name: account.role for account in accounts}
    return render(
        request,
        "sign_in.html",
        visitor,
        status,
        next_page=way_back(next_page),
        problem=problem,
        guests=[(guest, roles[guest]) for guest in services.guests if guest in roles],
        provider=services.settings.web.oidc,
    )
