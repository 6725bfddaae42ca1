"""DOCX to a document and its blocks: headings by their style, tables row by row.

Pages are those the word processor saw when it saved the file, where it has noted them; else those
of the sections.
"""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
from docx.exceptions import PythonDocxError
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from lxml import etree

from copilot_knowledge.assemble import assemble
from copilot_knowledge.document import Block, BlockKind, Document, UnreadableDocument
from copilot_knowledge.metadata import read_metadata
from copilot_knowledge.sections import last_page, paged
from copilot_knowledge.untrusted import one_line
from copilot_knowledge.wording import CAPTION, WARNING

MOST_UNPACKED = 200_000_000  # bytes
MOST_MARKUP = 30_000_000  # bytes of one part that is XML
MOST_PARTS = 5_000
MOST_PAGES = 3_000
MOST_COLUMNS = 100
# What python-docx and what it is built on raise for a file that somebody has damaged.
_DAMAGED = (
    AttributeError, AssertionError, EOFError, IndexError, KeyError, NotImplementedError, OSError,
    OpcError, PythonDocxError, RecursionError, RuntimeError, TypeError, ValueError,
    etree.LxmlError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_BREAKS = (qn("w:lastRenderedPageBreak"),)


def parse_docx(file: Path) -> tuple[Document, tuple[Block, ...]]:
    """A DOCX file as a document and its blocks; raises UnreadableDocument."""
    _check_size(file)
    try:
        source = docx.Document(str(file))
        blocks = [block for block in _blocks(source) if block.text]
        stated = {"title": one_line(source.core_properties.title or "")}
    except _DAMAGED as error:
        raise UnreadableDocument(f"not a readable DOCX: {one_line(str(error))[:200]}") from error
    if not blocks:
        raise UnreadableDocument("holds no text")
    if last_page(blocks) == 1:
        blocks = list(paged(blocks))
    if last_page(blocks) > MOST_PAGES:
        raise UnreadableDocument(f"{last_page(blocks)} pages; at most {MOST_PAGES} are taken in")
    metadata = read_metadata(file, {k: v for k, v in stated.items() if v})
    return assemble(metadata, file.name, last_page(blocks), blocks), tuple(blocks)


def _check_size(file: Path) -> None:
    """A small file may unpack to a huge one: look before unpacking."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableDocument(f"not a readable DOCX: {one_line(str(error))}") from error
    size = sum(part.file_size for part in parts)
    if size > MOST_UNPACKED or len(parts) > MOST_PARTS:
        raise UnreadableDocument(f"unpacks to {size // 1_000_000} MB in {len(parts)} parts")
    markup = max((p.file_size for p in parts if p.filename.endswith((".xml", ".rels"))), default=0)
    if markup > MOST_MARKUP:
        raise UnreadableDocument(f"unpacks to {markup // 1_000_000} MB of text in one part")


def _blocks(source: Any) -> Iterator[Block]:
    page, caption = 1, ""
    # Looked up once: python-docx searches all styles for every paragraph.
    styles = {style.style_id: style.name or "" for style in source.styles}
    for item in source.iter_inner_content():
        if isinstance(item, Paragraph):
            page += _page_breaks(item._p)
            block = _paragraph(item, styles.get(item._p.style or "", ""))
            caption = block.text if block.kind == "caption" else ""
            yield replace(block, page=page)
        elif isinstance(item, Table):
            for block in _table(item, caption):
                yield replace(block, page=page)
            page += _page_breaks(item._tbl)
            caption = ""


def _page_breaks(element: Any) -> int:
    return sum(1 for inner in element.iter() if inner.tag in _BREAKS)


def _paragraph(paragraph: Paragraph, style: str) -> Block:
    text = one_line(paragraph.text)
    name, _, level = style.rpartition(" ")
    if style == "Title" or (name == "Heading" and level.isdigit()):
        return Block("heading", text, 1, int(level) if level.isdigit() else 1)
    kind: BlockKind = "step" if style.startswith("List") else "paragraph"
    if CAPTION.match(text) or style == "Caption":
        kind = "caption"
    elif WARNING.match(text):
        kind = "warning"
    return Block(kind, f"- {text}" if kind == "step" and text else text, 1)


def _table(table: Table, caption: str) -> Iterator[Block]:
    header, above = "", list[str]()
    for row in table._tbl.tr_lst:
        above = _cells(row, table, above)
        text = " | ".join(above)
        if not header:
            header = text
            yield Block("header", text, 1)
        elif text.strip(" |"):
            yield Block("row", text, 1, 0, caption, header)


def _cells(row: Any, table: Table, above: list[str]) -> list[str]:
    """The texts of a row by column: a merged cell's stands in each column and row that it covers.

    Read from the markup: `row.cells` of python-docx builds as many cells as a span claims.
    """
    texts: list[str] = []
    for cell in row.tc_lst:
        covered = cell.vMerge == "continue" and len(texts) < len(above)
        text = above[len(texts)] if covered else one_line(_Cell(cell, table).text)
        texts += [text] * min(max(cell.grid_span, 1), MOST_COLUMNS + 1)
        if len(texts) > MOST_COLUMNS:
            raise UnreadableDocument(f"has a table of more than {MOST_COLUMNS} columns")
    return texts
