"""OEE of the lines and what it was lost to."""

import asyncio
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from copilot.web.access import Reader, Served
from copilot.web.line_oee import measure_line
from copilot.web.rendering import render
from copilot.web.sections import look
from copilot_tools.windows import parse_window

STOPS = 50
# How the time is named in a question.
ASKED = {
    "shift": "this shift",
    "today": "today",
    "yesterday": "yesterday",
    "week": "in the last 7 days",
    "month": "in the last 30 days",
}

router = APIRouter(include_in_schema=False)


@router.get("/oee")
async def show_oee(
    request: Request,
    visitor: Reader,
    services: Served,
    window: Literal["shift", "today", "yesterday", "week", "month"] = "today",
) -> HTMLResponse:
    """All lines side by side, then each with its losses."""
    plant = services.copilot.plant
    period = parse_window(window, plant.site, plant.now())
    lines = list(plant.site.lines.values())
    found = await asyncio.gather(*(look(measure_line(plant, line, period)) for line in lines))
    return render(
        request,
        "oee.html",
        visitor,
        lines=list(zip(lines, found, strict=True)),
        period=period,
        window=window,
        asked=ASKED[window],
        most=STOPS,
    )
