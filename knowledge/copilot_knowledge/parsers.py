"""Which parser reads which kind of file; a parser is loaded by the first file of its kind."""

import stat
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from copilot_knowledge.document import Block, Document, PdfContent, UnreadableDocument

LARGEST = 200_000_000  # bytes
# The name of a module, and of the function in it that reads such files.
PARSERS = {
    ".pdf": "parse_pdf",
    ".md": "parse_markdown",
    ".markdown": "parse_markdown",
    ".html": "parse_html",
    ".htm": "parse_html",
    ".docx": "parse_docx",
    ".csv": "parse_codes",
    ".yaml": "parse_codes",
    ".yml": "parse_codes",
}

Parsed = tuple[Document, tuple[Block, ...]]


def parse(file: Path, read_pdf: Callable[[Path], PdfContent] | None = None) -> Parsed:
    """A manual and its blocks; raises UnreadableDocument that says why it cannot be read.

    With `read_pdf` that is how PDFs are read, else it is done in this process.
    """
    try:
        known = file.stat()
        if not stat.S_ISREG(known.st_mode):
            raise UnreadableDocument("is no regular file")
        if known.st_size > LARGEST:
            raise UnreadableDocument(f"is larger than {LARGEST // 1_000_000} MB")
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from None
    name = PARSERS[file.suffix.lower()]
    parser: Callable[..., Parsed] = getattr(import_module(f"copilot_knowledge.{name}"), name)
    return parser(file, read_pdf) if name == "parse_pdf" else parser(file)
