"""One's account: where one is signed in and ending that, and one's password."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from copilot.accounts.sessions import Kind, Session
from copilot.web.access import Decider, Owner, OwnerAtOnce, Served, Visitor
from copilot.web.auth import people
from copilot.web.auth.device import device_name
from copilot.web.auth.entering import enter
from copilot.web.auth.proving import DOOR
from copilot.web.rendering import render
from copilot.web.texts import say
from copilot_tools.errors import Denied, Retry

OTHERS = "others"

router = APIRouter(include_in_schema=False)
router.include_router(people.router)

Password = Annotated[str, Form(max_length=1000)]


@router.get("/account")
async def show_account(request: Request, visitor: Owner, services: Served) -> HTMLResponse:
    """Who one is here, and every place where one is signed in."""
    name = visitor.actor.name
    sessions = await asyncio.to_thread(services.sessions.open, name)
    badges = await asyncio.to_thread(services.badges.list)
    linked = await asyncio.to_thread(services.identities.list)
    areas = services.copilot.plant.site.areas
    return render(
        request,
        "account.html",
        visitor,
        areas=[areas[area].name if area in areas else area for area in visitor.actor.areas],
        sessions=[(session, device_name(session.device)) for session in sessions],
        badge=next((badge for badge in badges if badge.account == name), None),
        linked=[identity for identity in linked if identity.account == name],
    )


@router.post("/account/sessions/end")
async def end_session(
    request: Request,
    visitor: Decider,
    services: Served,
    session: Annotated[str, Form(max_length=64)],
) -> RedirectResponse:
    """End one of one's sessions, or all but this one."""
    name, here = visitor.actor.name, _session(visitor)
    if session == OTHERS:
        await asyncio.to_thread(services.sessions.end_all, name, name, but=here.digest)
    else:
        await asyncio.to_thread(services.sessions.end, session, name, name)
    return RedirectResponse("/account", 303)


@router.get("/account/password")
async def show_password(request: Request, visitor: OwnerAtOnce) -> HTMLResponse:
    """The form for another password."""
    return render(request, "account_password.html", visitor, problem="")


@router.post("/account/password")
async def change_password(
    request: Request,
    visitor: OwnerAtOnce,
    services: Served,
    old: Password,
    new: Password,
    again: Password,
) -> Response:
    """Take the new password; every session ends, and a new one begins here."""
    name = visitor.actor.name
    try:
        if new != again:
            raise Retry(say(request, "The two new passwords differ."))
        await DOOR.prove(services.accounts.change_password, name, old, new)
    except (Denied, Retry) as refusal:
        status = 400 if isinstance(refusal, Retry) else 403
        content = {"problem": str(refusal)}
        return render(request, "account_password.html", visitor, status, **content)
    kind = Kind.BADGE if _session(visitor).kind is Kind.BADGE else Kind.FULL
    return await enter(request, services, name, kind, "/plant" if visitor.due else "/account")


def _session(visitor: Visitor) -> Session:
    assert visitor.session is not None  # the route asked for one
    return visitor.session
