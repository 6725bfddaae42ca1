"""Language, theme and kiosk layout, kept in cookies of the browser."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse

from copilot.web import texts
from copilot.web.access import Anybody
from copilot.web.auth.way_back import way_back
from copilot.web.rendering import KIOSK, THEME

YEAR_S = 365 * 86400

router = APIRouter(include_in_schema=False)


@router.post("/preferences")
async def prefer(
    request: Request,
    visitor: Anybody,
    next_page: Annotated[str, Form(alias="next")] = "/",
    theme: Annotated[Literal["auto", "light", "dark"] | None, Form()] = None,
    language: Annotated[Literal["en", "de", "es"] | None, Form()] = None,
    kiosk: Annotated[Literal["0", "1"] | None, Form()] = None,
) -> RedirectResponse:
    """Remember what was chosen and go back to the page it was chosen on."""
    answer = RedirectResponse(way_back(next_page), 303)
    chosen = {THEME: theme, texts.COOKIE: language, KIOSK: kiosk}
    for name, value in chosen.items():
        if value is not None:
            secure = request.url.scheme == "https"
            answer.set_cookie(name, value, YEAR_S, httponly=True, samesite="lax", secure=secure)
    return answer
