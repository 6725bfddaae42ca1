"""The manuals, page by page, with the passage that was quoted marked."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from copilot.web.access import Reader, Served
from copilot.web.manuals import documents_of, find_document, is_pdf, machines_of, pdf_of
from copilot.web.passages import mark_passage
from copilot.web.pdf_pages import LARGEST_SCALE, SCALE, Sheet, drawing, look_up, picture_of
from copilot.web.rendering import render
from copilot.web.sections import look
from copilot.web.services import Services
from copilot_knowledge.document import Answer, Document, Page, Passage
from copilot_tools.errors import Retry
from copilot_tools.facts import Quote
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
    plant = services.copilot.plant
    machine = plant.site.assets.get(asset)
    if asset and machine is None:
        raise Retry(f"there is no asset {asset!r}")
    answer = None
    if q.strip():
        answer = await asyncio.to_thread(_search, services, q, machine)
    return render(
        request,
        "documents.html",
        visitor,
        library=plant.library,
        machines=plant.site.assets.values(),
        applies={d.label: machines_of(plant.site, d) for d in plant.library.documents},
        asked=q,
        asset=asset,
        answer=answer,
        quotes=[_quote(passage) for passage in answer.passages] if answer else [],
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
    found, leaf = _page(services, document, page, revision)
    if not is_pdf(found):
        raise HTTPException(404)
    drawn = await drawing(_picture, services, found, leaf, scale)
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
    found, leaf = _page(services, document, page, revision)
    numbers = [p.number for p in found.pages]
    sheet = await look(drawing(_sheet, services, found, leaf, mark))
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
        before=page - 1 if page - 1 in numbers else None,
        after=page + 1 if page + 1 in numbers else None,
        **_standing(services, found, revision),
    )


@router.get("/documents/{document:path}")
async def show_document(
    request: Request, visitor: Reader, services: Served, document: str, revision: Short = ""
) -> HTMLResponse:
    """What a manual is, what it applies to and what is in it."""
    found = _document(services, document, revision)
    machines = machines_of(services.copilot.plant.site, found)
    standing = _standing(services, found, revision)
    return render(request, "document.html", visitor, document=found, machines=machines, **standing)


def _document(services: Services, name: str, revision: str) -> Document:
    found = find_document(services.copilot.plant.library, name, revision)
    if found is None:
        raise HTTPException(404)
    return found


def _page(services: Services, name: str, number: int, revision: str) -> tuple[Document, Page]:
    found = _document(services, name, revision)
    leaf = next((page for page in found.pages if page.number == number), None)
    if leaf is None:
        raise HTTPException(404)
    return found, leaf


def _picture(services: Services, document: Document, page: Page, scale: int) -> bytes:
    return picture_of(pdf_of(services.settings.manuals, document), page.number, scale)


def _sheet(services: Services, document: Document, page: Page, mark: str) -> Sheet | None:
    """The drawn page; None for a manual that has none."""
    if not is_pdf(document):
        return None
    return look_up(pdf_of(services.settings.manuals, document), page.number, mark)


def _standing(services: Services, document: Document, revision: str) -> dict[str, Any]:
    """Whether a manual is in force, and whether another revision was asked for."""
    return {
        "superseded": document in services.copilot.plant.library.superseded,
        "wanted": revision if revision and revision != document.revision else "",
    }


def _search(services: Services, question: str, machine: Asset | None) -> Answer:
    """What the manuals say; only those of a machine when one is named that has some."""
    library = services.copilot.plant.library
    chosen = documents_of(library, machine) if machine else ()
    return library.search(question, documents=chosen, limit=FOUND)


def _quote(passage: Passage) -> Quote:
    text = "\n".join(part for part in (passage.lead, passage.text) if part)
    return Quote(
        passage.document, passage.title, passage.revision, passage.page, passage.section, text
    )
