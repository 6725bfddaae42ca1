"""For administrators: who has an account, where they are signed in, and ending that."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse

from copilot.web.access import Administrator, Served
from copilot.web.auth.device import device_name
from copilot.web.rendering import render

router = APIRouter(include_in_schema=False)


@router.get("/account/people")
async def show_people(request: Request, visitor: Administrator, services: Served) -> HTMLResponse:
    """Every account with its open sessions."""
    accounts = await asyncio.to_thread(services.accounts.list)
    sessions = await asyncio.to_thread(services.sessions.open_of_all)
    badges = {badge.account for badge in await asyncio.to_thread(services.badges.list)}
    tokens = await asyncio.to_thread(services.tokens.list)
    people = [
        (account, account.name in badges, [
            (session, device_name(session.device)) for session in sessions.get(account.name, [])
        ])
        for account in accounts
    ]  # fmt: skip
    return render(request, "account_people.html", visitor, people=people, tokens=tokens)


@router.post("/account/people/end")
async def end_sessions(
    visitor: Administrator, services: Served, name: Annotated[str, Form(max_length=80)]
) -> RedirectResponse:
    """End every session of an account; whoever holds it has to sign in again."""
    await asyncio.to_thread(services.sessions.end_all, name, visitor.actor.name)
    return RedirectResponse("/account/people", 303)
