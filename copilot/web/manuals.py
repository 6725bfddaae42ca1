"""Manuals by their id: what they are, which file they came from, what they apply to."""

from pathlib import Path

from copilot_knowledge.document import Manual
from copilot_knowledge.library import Library
from copilot_tools.errors import Unavailable
from copilot_tools.site.model import Asset, Site


def machines_of(site: Site, document: Manual) -> list[Asset]:
    """The machines that a manual applies to."""
    return [asset for asset in site.assets.values() if _applies(document, asset)]


def documents_of(library: Library, machine: Asset) -> list[str]:
    """The ids of the manuals that apply to a machine."""
    return [document.id for document in library.documents if _applies(document, machine)]


def is_pdf(document: Manual) -> bool:
    """Whether there are pages to be drawn."""
    return document.file.lower().endswith(".pdf")


def pdf_of(library: Library, document: Manual) -> Path:
    """The file of a PDF manual; raises Unavailable when it is gone."""
    file = library.file_of(document)
    if file is None:
        raise Unavailable("manuals", f"{document.file} is no longer there")
    return file


def _applies(document: Manual, asset: Asset) -> bool:
    return document.id in asset.documents or asset.id in document.assets
