"""Which parser reads which kind of file."""

import stat
from collections.abc import Callable
from pathlib import Path

from copilot_knowledge.document import Block, Document, UnreadableDocument
from copilot_knowledge.parse_codes import parse_codes
from copilot_knowledge.parse_docx import parse_docx
from copilot_knowledge.parse_html import parse_html
from copilot_knowledge.parse_markdown import parse_markdown
from copilot_knowledge.parse_pdf import parse_pdf

LARGEST = 200_000_000  # bytes

Parsed = tuple[Document, tuple[Block, ...]]
Parser = Callable[[Path], Parsed]

PARSERS: dict[str, Parser] = {
    ".pdf": parse_pdf,
    ".md": parse_markdown,
    ".markdown": parse_markdown,
    ".html": parse_html,
    ".htm": parse_html,
    ".docx": parse_docx,
    ".csv": parse_codes,
    ".yaml": parse_codes,
    ".yml": parse_codes,
}


def parse(file: Path) -> Parsed:
    """A manual and its blocks; raises UnreadableDocument that says why it cannot be read."""
    try:
        known = file.stat()
        if not stat.S_ISREG(known.st_mode):
            raise UnreadableDocument("is no regular file")
        if known.st_size > LARGEST:
            raise UnreadableDocument(f"is larger than {LARGEST // 1_000_000} MB")
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from None
    return PARSERS[file.suffix.lower()](file)
