"""PDF to a document and its blocks, each on its true page."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from copilot_knowledge.assemble import assemble
from copilot_knowledge.document import Block, Document, PdfContent
from copilot_knowledge.metadata import read_metadata
from copilot_knowledge.scanned import LEAST_TEXT, tesseract


def parse_pdf(
    file: Path, read: Callable[[Path], PdfContent] | None = None
) -> tuple[Document, tuple[Block, ...]]:
    """A PDF, by default read in this process, as a document; raises UnreadableDocument."""
    if read is None:
        from copilot_knowledge.pdf_content import read_content

        read = read_content
    content = read(file)
    metadata = read_metadata(file, content.stated)
    document = assemble(metadata, file.name, content.pages, content.blocks, LEAST_TEXT)
    blank = any(not page.searchable for page in document.pages)
    return replace(document, unread=blank and tesseract() is None), content.blocks
