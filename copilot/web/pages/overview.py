"""The plant by area and line: what runs, what is wrong, at a glance."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from copilot.web.access import Reader
from copilot.web.rendering import render

router = APIRouter(include_in_schema=False)


@router.get("/plant")
async def show_plant(request: Request, visitor: Reader) -> HTMLResponse:
    """The whole plant."""
    return render(request, "overview.html", visitor)
