"""One inspected part: its picture, where it is unlike good parts, what a person says it is."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi import Path as InPath
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from copilot.station.station import heat_of
from copilot.web.access import Decider, Reader, Served, Visitor
from copilot.web.deciding import status_of
from copilot.web.inspected import picture_of
from copilot.web.rendering import render
from copilot.web.reviewing import ReviewForm, refusal, review
from copilot.web.sections import look
from copilot.web.services import Services
from copilot_tools.display import printable
from copilot_tools.errors import ToolError
from copilot_tools.facts import Picture
from copilot_tools.records import Inspection

NAMES_FROM = timedelta(days=1)
"""How far back defects are looked for that the form offers by name."""

router = APIRouter(include_in_schema=False)

Number = Annotated[int, InPath(ge=0, le=2**63 - 1)]


@router.get("/quality/parts/{number}")
async def show_part(
    request: Request, visitor: Reader, services: Served, number: Number
) -> HTMLResponse:
    """What was inspected, and what it was taken for."""
    return await _page(request, visitor, services, await _find(services, number))


@router.post("/quality/parts/{number}")
async def decide_part(
    request: Request,
    visitor: Decider,
    services: Served,
    number: Number,
    form: Annotated[ReviewForm, Form()],
) -> Response:
    """Keep what a person says it is; what is refused is shown, with all but the password."""
    part = await _find(services, number)
    try:
        await review(services, visitor, part, form)
    except ToolError as error:
        part = await _find(services, number)
        return await _page(request, visitor, services, part, (form, error))
    return RedirectResponse(f"/quality/parts/{number}", 303)


async def _find(services: Services, number: int) -> Inspection:
    found = await services.copilot.plant.inspections.find(number)
    if found is None:
        raise HTTPException(404)
    return found


async def _page(
    request: Request,
    visitor: Visitor,
    services: Services,
    part: Inspection,
    tried: tuple[ReviewForm, ToolError] | None = None,
) -> HTMLResponse:
    form, error = tried or (ReviewForm(), None)
    taken, heat = await asyncio.to_thread(_pictures, part)
    return render(
        request,
        "inspection.html",
        visitor,
        status_of(error) if error else 200,
        part=part,
        taken=taken,
        heat=heat,
        images=services.settings.images,
        decides=visitor.actor.authenticated,
        refusal=refusal(services, visitor.actor, part),
        defects=[] if part.decision else await _defects(services, part),
        typed=form,
        problem=printable(str(error)) if error else "",
    )


def _pictures(part: Inspection) -> tuple[Picture | None, Picture | None]:
    """The picture of a part and the one of its heat, where there are any."""
    if not part.image or not Path(part.image).is_file():
        return None, None
    taken, file = picture_of(part), heat_of(Path(part.image))
    heat = Picture("", file, (), taken.source, part.time) if file.is_file() else None
    return taken, heat


async def _defects(services: Services, part: Inspection) -> list[str]:
    """The names of other defects of the line; none where the database is too slow for that."""
    start, end = part.time - NAMES_FROM, part.time + NAMES_FROM
    around = await look(services.copilot.plant.inspections.results(start, end, part.line))
    return sorted({unit.defect for unit in around.content or () if unit.defect} - {part.defect})
