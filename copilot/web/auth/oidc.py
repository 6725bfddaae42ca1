"""Signing in with the identity provider of the site, for people that an administrator linked."""

import asyncio
from hmac import compare_digest
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from copilot.accounts.sessions import Kind
from copilot.web.access import Anybody, Served, Visitor
from copilot.web.auth.entering import enter, set_cookie
from copilot.web.auth.provider import Attempt, Provider
from copilot.web.auth.sign_in import sign_in_form
from copilot.web.auth.way_back import way_back
from copilot.web.services import Services
from copilot.web.texts import say
from copilot_tools.errors import Denied, Failed, Unavailable

ATTEMPT = "copilot_provider"
NEXT = "copilot_provider_next"
MINUTES = 10

router = APIRouter(include_in_schema=False)


@router.get("/sign-in/provider")
async def go_to_provider(
    request: Request, visitor: Anybody, services: Served, next: str = "/"
) -> Response:
    """Send the browser to the provider."""
    provider, attempt = _provider(services), Attempt.begin()
    try:
        answer = RedirectResponse(await provider.address(attempt, _redirect(request)), 303)
    except Unavailable as error:
        return await _back(request, services, visitor, error, 503)
    set_cookie(request, answer, _cookie(request, ATTEMPT), attempt.write(), MINUTES * 60)
    set_cookie(request, answer, _cookie(request, NEXT), quote(way_back(next)), MINUTES * 60)
    return answer


@router.get("/sign-in/provider/callback")
async def come_back(
    request: Request,
    visitor: Anybody,
    services: Served,
    code: str = "",
    state: str = "",
    error: str = "",
) -> Response:
    """Begin a session of whom the provider vouches for, where it was asked from this browser."""
    provider = _provider(services)
    attempt = Attempt.read(request.cookies.get(_cookie(request, ATTEMPT), ""))
    try:
        if attempt is None or not compare_digest(state.encode(), attempt.state.encode()):
            raise Denied(say(request, "This sign-in was not begun here, or is over; begin again."))
        if error or not code:
            raise Denied(say(request, "The sign-in was broken off; begin again."))
        subject = await provider.subject(attempt, code, _redirect(request))
        name = await asyncio.to_thread(services.identities.enter, provider.issuer, subject)
    except (Denied, Unavailable) as refusal:
        status = 403 if isinstance(refusal, Denied) else 503
        answer: Response = await _back(request, services, visitor, refusal, status)
    else:
        next_page = unquote(request.cookies.get(_cookie(request, NEXT), "/"))
        answer = await enter(request, services, name, Kind.FULL, next_page)
    for cookie in (ATTEMPT, NEXT):
        set_cookie(request, answer, _cookie(request, cookie), "", 0)
    return answer


async def _back(
    request: Request,
    services: Services,
    visitor: Visitor | None,
    refusal: Denied | Unavailable,
    status: int,
) -> HTMLResponse:
    """The other ways in, and why this one did not work."""
    return await sign_in_form(request, services, visitor, "/", str(refusal), status)


def _provider(services: Services) -> Provider:
    settings = services.settings.web.oidc
    if settings is None:
        raise Failed("this site has no identity provider; see [web.oidc]")
    return Provider(settings, services.now)


def _redirect(request: Request) -> str:
    return str(request.url.replace(path="/sign-in/provider/callback", query=""))


def _cookie(request: Request, name: str) -> str:
    """Over TLS one that no neighbour of this server can plant."""
    return f"__Host-{name}" if request.url.scheme == "https" else name
