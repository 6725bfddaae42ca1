"""Manuals by their id: what they are, which file they came from, what they apply to."""

from pathlib import Path

from copilot_knowledge.document import Document
from copilot_knowledge.library import Library
from copilot_knowledge.parse_pdf import parse_pdf
from copilot_tools.errors import Unavailable
from copilot_tools.site.model import Asset, Site


def find_document(library: Library, name: str, revision: str = "") -> Document | None:
    """The manual of an id in a revision, as it is now when that is not there; None when unknown."""
    known = [d for d in (*library.documents, *library.superseded) if d.id == name]
    return next((d for d in known if d.revision == revision), known[0] if known else None)


def machines_of(site: Site, document: Document) -> list[Asset]:
    """The machines that a manual applies to."""
    return [asset for asset in site.assets.values() if _applies(document, asset)]


def documents_of(library: Library, machine: Asset) -> list[str]:
    """The ids of the manuals that apply to a machine."""
    return [document.id for document in library.documents if _applies(document, machine)]


def is_pdf(document: Document) -> bool:
    """Whether there are pages to be drawn."""
    return document.file.lower().endswith(".pdf")


def pdf_of(manuals: Path, document: Document) -> Path:
    """The file of a PDF manual; raises Unavailable when it is gone.

    Where two folders hold a file of that name, it is the one with this content.
    """
    files = sorted(f for f in manuals.rglob("*") if f.name == document.file and f.is_file())
    if len(files) > 1:
        files = [file for file in files if parse_pdf(file)[0] == document]
    if not files:
        raise Unavailable("manuals", f"{document.file} is no longer there")
    return files[0]


def _applies(document: Document, asset: Asset) -> bool:
    return document.id in asset.documents or asset.id in document.assets
