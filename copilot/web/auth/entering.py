"""What follows once somebody has proven who they are: a new session in a cookie of the browser."""

import asyncio

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from copilot.accounts.sessions import Kind
from copilot.web.access import cookie_name, session_token
from copilot.web.auth.way_back import way_back
from copilot.web.services import Services


async def enter(
    request: Request, services: Services, name: str, kind: Kind, next_page: str
) -> RedirectResponse:
    """Give the browser a new session, and go on to the page; the session it had is over."""
    await asyncio.to_thread(_end_old, services, session_token(request))
    device = request.headers.get("User-Agent", "unknown")
    token = await asyncio.to_thread(services.sessions.begin, name, kind, device)
    answer = RedirectResponse(way_back(next_page), 303)
    set_cookie(request, answer, cookie_name(request), token)
    return answer


def leave(request: Request, next_page: str) -> RedirectResponse:
    """Take the cookie of a session that is over out of the browser."""
    answer = RedirectResponse(next_page, 303)
    set_cookie(request, answer, cookie_name(request), "", 0)
    return answer


def set_cookie(
    request: Request, answer: Response, name: str, value: str, seconds: int | None = None
) -> None:
    """A cookie that no script reads and no other site sends along with a form."""
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, seconds, httponly=True, samesite="lax", secure=secure)


def address_of(request: Request) -> str:
    """Where a request comes from; behind trusted proxies the server has put the true one here."""
    return request.client.host if request.client else ""


def _end_old(services: Services, token: str) -> None:
    found = services.sessions.find(token) if token else None
    if found is not None:
        session, actor = found
        services.sessions.end(session.digest, actor.name, actor.name)
