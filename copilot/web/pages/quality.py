"""Vision quality control: yield, Pareto of defects, wall of pictures."""

import asyncio
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from copilot.web.access import Reader, Served
from copilot.web.inspected import Inspected, Pictured, Wanted, look_back, pictures_of
from copilot.web.paging import Page, page_of
from copilot.web.rendering import render
from copilot.web.sections import look
from copilot_tools.errors import Retry
from copilot_tools.windows import parse_window

SHOWN = 24
WAITING = 8

router = APIRouter(include_in_schema=False)

Name = Annotated[str, Query(max_length=80)]
Number = Annotated[int, Query(ge=1, le=10_000)]


@router.get("/quality")
async def show_quality(
    request: Request,
    visitor: Reader,
    services: Served,
    line: Name = "",
    window: Literal["shift", "24h", "7d", "30d"] = "24h",
    product: Name = "",
    defect: Name = "",
    page: Number = 1,
) -> HTMLResponse:
    """How good the lines were, what was wrong, and what it looked like."""
    plant = services.copilot.plant
    if line and line not in plant.site.lines:
        raise Retry(f"there is no line {line!r}")
    period = parse_window(window, plant.site, plant.now())
    wanted = Wanted(line, product, defect)
    found, holds = await asyncio.gather(
        look(look_back(plant, period, wanted)), look(plant.erp.batch_holds())
    )
    wall = await asyncio.to_thread(_wall, found.content, page)
    asked = {"line": line, "window": window, "product": product, "defect": defect}
    return render(
        request,
        "quality.html",
        visitor,
        found=found,
        course=found.content.course(plant.site.time_zone) if found.content else None,
        bars=found.content.bars() if found.content else [],
        holds=holds,
        period=period,
        wall=wall,
        waiting=found.content.waiting if found.content else [],
        at_once=WAITING,
        images=services.settings.images,
        asked=asked,
        question="this shift" if window == "shift" else f"in the last {window}",
        query=urlencode({key: value for key, value in asked.items() if value}),
        others=urlencode({k: v for k, v in asked.items() if v and k != "defect"}),
    )


def _wall(found: Inspected | None, page: int) -> Page[Pictured]:
    return page_of(pictures_of(found.rejects) if found else [], page, SHOWN)
