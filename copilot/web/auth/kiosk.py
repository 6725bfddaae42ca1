"""A terminal on the floor: a badge and its PIN open reading and asking."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, Response

from copilot.accounts.sessions import Kind
from copilot.web.access import Anybody, Served, Visitor
from copilot.web.auth.entering import address_of, enter, set_cookie
from copilot.web.auth.proving import DOOR
from copilot.web.auth.way_back import way_back
from copilot.web.rendering import KIOSK, render
from copilot_tools.errors import Denied

YEAR_S = 365 * 86400

router = APIRouter(include_in_schema=False)


@router.get("/kiosk")
async def show_kiosk(request: Request, visitor: Anybody, next: str = "/plant") -> Response:
    """The form for a badge and its PIN; the browser is a terminal on the floor from then on."""
    answer = _form(request, visitor, next)
    set_cookie(request, answer, KIOSK, "1", YEAR_S)
    return answer


@router.post("/kiosk")
async def enter_by_badge(
    request: Request,
    visitor: Anybody,
    services: Served,
    badge: Annotated[str, Form(max_length=200)],
    pin: Annotated[str, Form(max_length=40)],
    next_page: Annotated[str, Form(alias="next", max_length=2000)] = "/plant",
) -> Response:
    """Begin a session that reads and asks, in place of the one that was there."""
    try:
        name = await DOOR.prove(services.badges.enter, badge, pin, address_of(request))
    except Denied as refusal:
        return _form(request, visitor, next_page, str(refusal), 401)
    return await enter(request, services, name, Kind.BADGE, next_page)


def _form(
    request: Request, visitor: Visitor | None, next_page: str, problem: str = "", status: int = 200
) -> HTMLResponse:
    return render(
        request,
        "kiosk.html",
        visitor,
        status,
        kiosk=True,
        next_page=way_back(next_page),
        problem=problem,
    )
