"""The manuals, page by page, with the passage that was quoted marked."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from copilot.web.access import Reader, Served
from copilot.web.rendering import render
from copilot_knowledge.document import Document
from copilot_knowledge.library import Library

router = APIRouter(include_in_schema=False)

Short = Annotated[str, Query(max_length=80)]
Mark = Annotated[str, Query(max_length=2000)]


@router.get("/documents/{document:path}/pages/{page:int}")
async def show_page(
    request: Request,
    visitor: Reader,
    services: Served,
    document: str,
    page: int,
    revision: Short = "",
    mark: Mark = "",
) -> HTMLResponse:
    """One page of a manual, with a passage marked on it."""
    found = _document(services.copilot.plant.library, document, revision)
    leaf = next((p for p in found.pages if p.number == page), None)
    if leaf is None:
        raise HTTPException(404)
    return render(request, "document_page.html", visitor, document=found, page=leaf, mark=mark)


def _document(library: Library, name: str, revision: str) -> Document:
    """The manual of an id in a revision, or as it is now; raises 404."""
    known = [d for d in (*library.documents, *library.superseded) if d.id == name]
    if not known:
        raise HTTPException(404)
    return next((d for d in known if d.revision == revision), known[0])
