"""Inspection pictures with what the inspection marked on them."""

import asyncio

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from copilot.web.access import Reader, Served
from copilot.web.pictures import TYPES, find_image

KEPT = "private, max-age=86400"

router = APIRouter(include_in_schema=False)


@router.get("/images/{name:path}")
async def show_image(name: str, visitor: Reader, services: Served) -> FileResponse:
    """One picture of the inspection's folder, and nothing else of the disk."""
    found = await asyncio.to_thread(find_image, services.settings.images, name)
    if found is None:
        raise HTTPException(404)
    return FileResponse(
        found, media_type=TYPES[found.suffix.lower()], headers={"Cache-Control": KEPT}
    )
