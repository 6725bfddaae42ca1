"""PDF to blocks: headings, steps, warnings and table rows on their true page."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pypdfium2

from copilot_knowledge.document import Block, BlockKind, PdfContent, UnreadableDocument
from copilot_knowledge.page_layout import Band, Line, read_bands, read_lines
from copilot_knowledge.page_tables import Item, Table, arrange, is_inside, join_text
from copilot_knowledge.pdfium import PDFIUM
from copilot_knowledge.scanned import LEAST_TEXT, read_scanned
from copilot_knowledge.untrusted import one_line
from copilot_knowledge.wording import CAPTION, HEADING_NUMBER, STEP, WARNING, is_contents_line

MOST_PAGES = 3000
MOST_LETTERS = 10_000_000
_REPEATED_SHARE = 0.3
_MARGIN_SHARE = 0.15
_LONGEST_RUNNING = 200  # characters of a running head
# A heading names something and is no sentence.
_TITLE = re.compile(r"\w*[^\W\d_]{2}(?:(?![.;] |[.;:,]$).)*$")


def read_content(file: Path) -> PdfContent:
    """What a PDF holds; raises UnreadableDocument."""
    try:
        with PDFIUM, pypdfium2.PdfDocument(file) as pdf:
            if len(pdf) > MOST_PAGES:
                raise UnreadableDocument(f"{len(pdf)} pages; at most {MOST_PAGES} are taken in")
            stated = _statement(pdf.get_metadata_dict())
            sheets = list(_read_sheets(pdf))
            blocks = _with_scanned(pdf, tuple(_read_blocks(_without_running_heads(sheets))))
    except (pypdfium2.PdfiumError, OSError, ValueError) as error:
        raise UnreadableDocument(f"not a readable PDF: {one_line(str(error))}") from error
    return PdfContent(len(sheets), stated, blocks)


def _statement(properties: Mapping[str, str]) -> dict[str, Any]:
    """What PDF properties state: Title; with JSON in Keywords all fields, and Subject as the id."""
    stated: dict[str, Any] = {}
    if title := one_line(properties.get("Title", "")):
        stated["title"] = title[:300]
    try:
        keywords = json.loads(properties.get("Keywords") or "null")
    except (ValueError, RecursionError):
        keywords = None
    if isinstance(keywords, dict):
        stated |= keywords
        if subject := one_line(properties.get("Subject", "")):
            stated.setdefault("document", subject)
    return stated


def _with_scanned(pdf: pypdfium2.PdfDocument, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks, and those of pages without text that could be read off their pictures."""
    letters = Counter[int]()
    for block in blocks:
        letters[block.page] += len(block.text)
    blank = [page for page in range(1, len(pdf) + 1) if letters[page] < LEAST_TEXT]
    read = list(read_scanned(pdf, blank)) if blank else []
    return tuple(sorted((*blocks, *read), key=lambda block: block.page)) if read else blocks


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A page as laid out; `height` is in points."""

    lines: list[Line]
    bands: list[list[Band]]
    height: float

    def in_margin(self, line: Line) -> bool:
        margin = _MARGIN_SHARE * self.height
        return line.bottom < margin or line.top > self.height - margin


@dataclass(frozen=True, slots=True)
class _Type:
    """The running text of a document: type height, and white between its lines, in points."""

    height: float
    spacing: float


@dataclass(slots=True)
class _OpenTable:
    """The table read last; it may go on, also over the page."""

    caption: str = ""
    header: str = ""
    columns: int = 0


def _read_sheets(pdf: pypdfium2.PdfDocument) -> Iterator[_Sheet]:
    letters = 0
    for index in range(len(pdf)):
        sheet = _read_sheet(pdf, index)
        letters += sum(len(line.text) for line in sheet.lines)
        if letters > MOST_LETTERS:
            raise UnreadableDocument(f"more than {MOST_LETTERS:,} characters on {index + 1} pages")
        yield sheet


def _read_sheet(pdf: pypdfium2.PdfDocument, index: int) -> _Sheet:
    page = pdf[index]
    try:
        return _Sheet(read_lines(page), read_bands(page), page.get_height())
    finally:
        page.close()


def _without_running_heads(sheets: Sequence[_Sheet]) -> list[_Sheet]:
    """Drop lines in the margins that return on more than 30 % of the pages (three at least)."""
    shapes = [
        {line: _shapes(line, page) for line in sheet.lines if sheet.in_margin(line)}
        for page, sheet in enumerate(sheets)
    ]
    seen = Counter(shape for sheet in shapes for shape in set().union(*sheet.values()))
    least = max(3.0, _REPEATED_SHARE * len(sheets))
    return [
        _without(sheet, {x for x, own in of.items() if any(seen[shape] >= least for shape in own)})
        for sheet, of in zip(sheets, shapes, strict=True)
    ]


def _without(sheet: _Sheet, repeated: set[Line]) -> _Sheet:
    """The sheet without its repeated lines; table heads repeat too, over rows that do not."""
    for bands in sheet.bands:
        inside = {line for line in sheet.lines if is_inside(line, bands)}
        if not inside <= repeated:
            repeated = repeated - inside
    return replace(sheet, lines=[line for line in sheet.lines if line not in repeated])


def _shapes(line: Line, page: int) -> set[str]:
    """The line as it is, and with each number that may count pages as its distance to the page."""
    text = line.text[:_LONGEST_RUNNING]
    numbers = re.finditer(r"\d{1,5}", text)
    return {text} | {
        f"{text[: n.start()]}\0{int(n.group()) - page}\0{text[n.end() :]}" for n in numbers
    }


def _read_blocks(sheets: Sequence[_Sheet]) -> Iterator[Block]:
    running = _running_type(sheets)
    table = _OpenTable()
    for page, sheet in enumerate(sheets, start=1):
        for group in _groups(arrange(sheet.lines, sheet.bands), running):
            if isinstance(group, Table):
                yield from _table_blocks(group, table, page)
            else:
                yield from _text_blocks(group, table, running, page)


def _running_type(sheets: Sequence[_Sheet]) -> _Type:
    heights = [line.height for sheet in sheets for line in sheet.lines for _ in line.text]
    gaps = [
        lower.top - upper.bottom
        for sheet in sheets
        for upper, lower in pairwise(sheet.lines)
        if len(upper.spans) == len(lower.spans) == 1 and upper.height == lower.height
    ]
    # Most gaps are between lines of one paragraph, unless the paragraphs are short: look low.
    spacing = sorted(gaps)[len(gaps) // 5] if gaps else 0.0
    return _Type(median(heights) if heights else 1.0, spacing)


def _groups(items: Sequence[Item], running: _Type) -> Iterator[list[Line] | Table]:
    """Lines gathered to paragraphs, tables as they are."""
    group: list[Line] = []
    for item in items:
        if group and (isinstance(item, Table) or _starts_anew(group, item, running)):
            yield group
            group = []
        if isinstance(item, Table):
            yield item
        else:
            group.append(item)
    if group:
        yield group


def _starts_anew(group: Sequence[Line], line: Line, running: _Type) -> bool:
    above = group[-1]
    text = line.text
    return (
        line.top - above.bottom > running.spacing + 0.25 * line.height
        or line.top < above.top
        or abs(line.height - above.height) > 0.08 * line.height
        or (line.bold != above.bold and _is_heading(group, running))
        or bool(STEP.match(text) or WARNING.match(text))
        or is_contents_line(above.text)
        or (line.bold and bool(HEADING_NUMBER.match(text) or CAPTION.match(text)))
        or _ends_hanging(group, line)
    )


def _ends_hanging(group: Sequence[Line], line: Line) -> bool:
    """Whether a line stands left of the indent that a list item's further lines share."""
    return len(group) > 1 and min(line.x0 - x.x0 for x in group[1:]) < -3 < group[0].x0 - line.x0


def _is_heading(group: Sequence[Line], running: _Type) -> bool:
    text = " ".join(line.text for line in group)
    words = HEADING_NUMBER.sub("", text)
    if len(text) > 150 or not _TITLE.match(words):
        return False
    if any(pattern.match(text) for pattern in (CAPTION, WARNING)) or is_contents_line(text):
        return False
    tall = group[0].height > 1.12 * running.height
    return tall or (all(line.bold for line in group) and words != text)


def _heading_level(text: str, group: Sequence[Line], running: _Type) -> int:
    """Depth by the section number, else by the height of the type."""
    if number := HEADING_NUMBER.match(text):
        return number.group(1).count(".") + 1
    return 1 if group[0].height > 1.5 * running.height else 2


def _text_blocks(
    group: Sequence[Line], table: _OpenTable, running: _Type, page: int
) -> Iterator[Block]:
    text = ""
    for line in group:
        text = join_text(text, line.text)
    text = one_line(text)
    table.caption, table.header, table.columns = "", "", 0
    if not text:
        return
    if CAPTION.match(text):
        table.caption = text
    if _is_heading(group, running):
        yield Block("heading", text, page, _heading_level(text, group, running))
    else:
        yield Block(_kind(text), text, page)


def _kind(text: str) -> BlockKind:
    if is_contents_line(text):
        return "contents"
    if CAPTION.match(text):
        return "caption"
    if WARNING.match(text):
        return "warning"
    return "step" if STEP.match(text) else "paragraph"


def _table_blocks(table: Table, standing: _OpenTable, page: int) -> Iterator[Block]:
    columns = len(table.rows[0].cells)
    head, rows = table.rows[0], table.rows
    goes_on = columns == standing.columns
    if head.bold or not (goes_on or len(rows) < 2 or re.search(r"\d", head.text)):
        standing.header, rows = one_line(head.text), rows[1:]
        yield Block("header", standing.header, page)
    elif not goes_on:
        standing.header = ""
    standing.columns = columns
    for row in rows:
        yield Block("row", one_line(row.text), page, 0, standing.caption, standing.header)
