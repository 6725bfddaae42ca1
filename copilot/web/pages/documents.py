"""The manuals, page by page, with the passage that was quoted marked."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from copilot.web.access import Reader, Served, Visitor
from copilot.web.manuals import documents_of, is_pdf, machines_of, pdf_of
from copilot.web.pdf_pages import LARGEST_SCALE, SCALE, Sheet, drawing, look_up, picture_of
from copilot.web.rendering import render
from copilot.web.sections import look
from copilot.web.services import Services
from copilot_knowledge.document import Answer, Manual, Page
from copilot_knowledge.library import Library
from copilot_knowledge.passages import mark_passage
from copilot_tools.errors import Retry
from copilot_tools.manuals import quote_of
from copilot_tools.site.model import Asset

FOUND = 6
KEPT = "private, max-age=3600"

router = APIRouter(include_in_schema=False)

Short = Annotated[str, Query(max_length=80)]
Words = Annotated[str, Query(max_length=2000)]
Scale = Annotated[int, Query(ge=1, le=LARGEST_SCALE)]


@router.get("/documents")
async def show_documents(
    request: Request, visitor: Reader, services: Served, q: Words = "", asset: Short = ""
) -> HTMLResponse:
    """All manuals, and what they say to a question."""
    plant, library = services.copilot.plant, _library(services, visitor)
    machine = plant.site.assets.get(asset)
    if asset and machine is None:
        raise Retry(f"there is no asset {asset!r}")
    answer = None
    if q.strip():
        answer = await asyncio.to_thread(_search, library, q, machine)
    return render(
        request,
        "documents.html",
        visitor,
        library=library,
        machines=plant.site.assets.values(),
        applies={d.label: machines_of(plant.site, d) for d in library.documents},
        asked=q,
        asset=asset,
        answer=answer,
        quotes=[quote_of(passage) for passage in answer.passages] if answer else [],
    )


@router.get("/documents/{document:path}/pages/{page:int}.png")
async def show_page_picture(
    visitor: Reader,
    services: Served,
    document: str,
    page: int,
    revision: Short = "",
    scale: Scale = SCALE,
) -> Response:
    """A page of a PDF manual as it is printed."""
    library = _library(services, visitor)
    found, leaf = _page(library, document, page, revision)
    if not is_pdf(found):
        raise HTTPException(404)
    drawn = await drawing(_picture, library, found, leaf, scale)
    return Response(drawn, media_type="image/png", headers={"Cache-Control": KEPT})


@router.get("/documents/{document:path}/pages/{page:int}")
async def show_page(
    request: Request,
    visitor: Reader,
    services: Served,
    document: str,
    page: int,
    revision: Short = "",
    mark: Words = "",
) -> HTMLResponse:
    """One page of a manual, with a passage marked on it."""
    library = _library(services, visitor)
    found, leaf = _page(library, document, page, revision)
    sheet = await look(drawing(_sheet, library, found, leaf, mark))
    pieces = mark_passage(leaf.text, mark)
    drawn = sheet.content
    marked = bool(drawn.boxes) if drawn else any(piece.marked for piece in pieces)
    return render(
        request,
        "document_page.html",
        visitor,
        document=found,
        page=leaf,
        sheet=sheet,
        pieces=pieces,
        mark=mark,
        unmarked=bool(mark.strip()) and not marked,
        before=page - 1 if page > 1 else None,
        after=page + 1 if page < found.page_count else None,
        **_standing(library, found, revision),
    )


@router.get("/documents/{document:path}")
async def show_document(
    request: Request, visitor: Reader, services: Served, document: str, revision: Short = ""
) -> HTMLResponse:
    """What a manual is, what it applies to and what is in it."""
    library = _library(services, visitor)
    found = _document(library, document, revision)
    machines = machines_of(services.copilot.plant.site, found)
    standing = _standing(library, found, revision)
    return render(
        request,
        "document.html",
        visitor,
        document=found,
        sections=library.sections(found),
        machines=machines,
        **standing,
    )


def _library(services: Services, visitor: Visitor) -> Library:
    """The manuals as the visitor may read them."""
    return services.copilot.plant.read_by(visitor.actor.role).manuals


def _document(library: Library, name: str, revision: str) -> Manual:
    found = library.find(name, revision)
    if found is None:
        raise HTTPException(404)
    return found


def _page(library: Library, name: str, number: int, revision: str) -> tuple[Manual, Page]:
    found = _document(library, name, revision)
    leaf = library.page(found, number)
    if leaf is None:
        raise HTTPException(404)
    return found, leaf


def _picture(library: Library, document: Manual, page: Page, scale: int) -> bytes:
    return picture_of(pdf_of(library, document), page.number, scale)


def _sheet(library: Library, document: Manual, page: Page, mark: str) -> Sheet | None:
    """The drawn page; None for a manual that has none."""
    if not is_pdf(document):
        return None
    return look_up(pdf_of(library, document), page.number, mark)


def _standing(library: Library, document: Manual, revision: str) -> dict[str, Any]:
    """Whether a manual is in force, and whether another revision was asked for."""
    return {
        "superseded": document in library.superseded,
        "wanted": revision if revision and revision != document.revision else "",
    }


def _search(library: Library, question: str, machine: Asset | None) -> Answer:
    """What the manuals say; only those of a machine when one is named that has some."""
    chosen = documents_of(library, machine) if machine else ()
    return library.search(question, documents=chosen, limit=FOUND)
