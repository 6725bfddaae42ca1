"""Where the words of a PDF page stand: lines of spans, and the ruled bands of its tables.

Coordinates are points from the top left corner of the page.
"""

import ctypes
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pypdfium2.raw as pdfium

from copilot_knowledge.document import UnreadableDocument
from copilot_knowledge.wording import MARKER, is_contents_line

# A gap wider than this share of the line height parts two table cells; a blank is far narrower.
_CELL_GAP = 0.75
_WORD_GAP = 0.2
_MOST_PATHS = 5000
MOST_LETTERS = 200_000  # on one page
# Edges of neighbouring cells lie as far apart as their strokes are wide.
_SAME_RULE = 2.5


@dataclass(frozen=True, slots=True)
class Span:
    """Words that stand together on a line."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    bold: bool

    @property
    def height(self) -> float:
        """Height of the type, ascent to descent."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Line:
    """A line of type; more than one span means columns or cells side by side."""

    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        """The line as read from left to right."""
        return " ".join(span.text for span in self.spans)

    @property
    def x0(self) -> float:
        """Its left edge."""
        return self.spans[0].x0

    @property
    def top(self) -> float:
        """Its upper edge."""
        return min(span.top for span in self.spans)

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return max(span.bottom for span in self.spans)

    @property
    def height(self) -> float:
        """Height of its first span."""
        return self.spans[0].height

    @property
    def bold(self) -> bool:
        """Whether all of it is set in bold type."""
        return all(span.bold for span in self.spans)


@dataclass(frozen=True, slots=True)
class Band:
    """The space between two horizontal rules: a row of a ruled table."""

    top: float
    bottom: float
    x0: float
    x1: float


def read_lines(page: Any) -> list[Line]:
    """The lines of a pypdfium2 page from top to bottom; raises UnreadableDocument."""
    height = page.get_height()
    text_page = page.get_textpage()
    try:
        count = pdfium.FPDFText_CountChars(text_page.raw)
        if count > MOST_LETTERS:
            raise UnreadableDocument(f"a page of {count:,} characters")
        words = list(_words(text_page.raw, height))
    finally:
        text_page.close()
    words.sort(key=lambda word: (word.top + word.bottom) / 2)
    rows: list[list[Span]] = []
    for word in words:
        if rows and _same_line(rows[-1][0], word):
            rows[-1].append(word)
        else:
            rows.append([word])
    lines = (Line(tuple(_join_words(sorted(row, key=lambda word: word.x0)))) for row in rows)
    return [_join_marker(line) for line in lines]


def read_bands(page: Any) -> list[list[Band]]:
    """The ruled tables of a page, each as its rows; a lone pair of rules is no table."""
    tables: list[list[Band]] = []
    rules = list(_merge_rules(_rules(page)))
    for upper, lower in pairwise(rules):
        same = abs(upper.x0 - lower.x0) < 3 and abs(upper.x1 - lower.x1) < 3
        if not same or lower.top - upper.top < 4:
            continue
        band = Band(upper.top, lower.top, upper.x0, upper.x1)
        if tables and abs(tables[-1][-1].bottom - band.top) < 1:
            tables[-1].append(band)
        else:
            tables.append([band])
    return [table for table in tables if len(table) >= 2]


def _words(text_page: Any, page_height: float) -> Iterator[Span]:
    box = pdfium.FS_RECTF()
    letters: list[str] = []
    start = end = (0.0, 0.0, 0.0, 0.0)
    bold = False
    for index in range(pdfium.FPDFText_CountChars(text_page)):
        letter = _letter(pdfium.FPDFText_GetUnicode(text_page, index))
        if letter.isspace():
            if letters:
                yield _word(letters, start, end, bold)
                letters = []
            continue
        # Type set sideways would be mixed letter by letter into the lines that it crosses.
        upright = abs(math.sin(pdfium.FPDFText_GetCharAngle(text_page, index))) < 0.2
        if not upright or not pdfium.FPDFText_GetLooseCharBox(text_page, index, ctypes.byref(box)):
            continue
        place = (box.left, box.right, page_height - box.top, page_height - box.bottom)
        if letters and _apart(end, place):
            yield _word(letters, start, end, bold)
            letters = []
        if not letters:
            start, bold = place, _is_bold(text_page, index)
        letters.append(letter)
        end = place
    if letters:
        yield _word(letters, start, end, bold)


def _letter(code: int) -> str:
    # PDFium marks a hyphen at a line end with U+0002 or U+FFFE.
    if code in (0x02, 0xFFFE):
        return "-"
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF or code == 0:
        return "\ufffd"
    return chr(code)


def _word(
    letters: list[str],
    start: tuple[float, float, float, float],
    end: tuple[float, float, float, float],
    bold: bool,
) -> Span:
    return Span("".join(letters), start[0], end[1], start[2], start[3], bold)


def _apart(
    end: tuple[float, float, float, float], place: tuple[float, float, float, float]
) -> bool:
    height = max(end[3] - end[2], 1.0)
    gap = place[0] - end[1]
    return gap > _WORD_GAP * height or gap < -height or abs(place[3] - end[3]) > 0.5 * height


def _is_bold(text_page: Any, index: int) -> bool:
    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(text_page, index, name, 128, ctypes.byref(flags))
    return b"bold" in name.value.lower() or b"black" in name.value.lower()


def _same_line(first: Span, word: Span) -> bool:
    middle = (word.top + word.bottom) / 2
    return abs(middle - (first.top + first.bottom) / 2) < 0.4 * min(first.height, word.height)


def _join_words(words: list[Span]) -> Iterator[Span]:
    group = [words[0]]
    for word in words[1:]:
        if word.x0 - group[-1].x1 > _CELL_GAP * word.height:
            yield _span(group)
            group = []
        group.append(word)
    yield _span(group)


def _join_marker(line: Line) -> Line:
    """A list item or a contents line is one span, however far its marker or page stands off."""
    if is_contents_line(line.text):
        return Line((_span(list(line.spans)),))
    if len(line.spans) > 1 and MARKER.fullmatch(line.spans[0].text):
        return Line((_span(list(line.spans[:2])), *line.spans[2:]))
    return line


def _span(words: list[Span]) -> Span:
    return Span(
        " ".join(word.text for word in words),
        words[0].x0,
        words[-1].x1,
        min(word.top for word in words),
        max(word.bottom for word in words),
        all(word.bold for word in words),
    )


def _rules(page: Any) -> Iterator[Band]:
    """Horizontal strokes, and the upper and lower edges of boxes, as bands without height."""
    height = page.get_height()
    paths = page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_PATH,), max_depth=1)
    for _, path in zip(range(_MOST_PATHS), paths, strict=False):
        left, bottom, right, top = path.get_bounds()
        if right - left < 10:
            continue
        edges = [(top + bottom) / 2] if top - bottom < 2 else [top, bottom]
        for edge in edges:
            yield Band(height - edge, height - edge, left, right)


def _merge_rules(rules: Iterable[Band]) -> Iterator[Band]:
    """Rules drawn cell by cell, each edge perhaps twice, as whole rules in reading order."""
    level: list[Band] = []
    for rule in sorted(rules, key=lambda rule: rule.top):
        if level and rule.top - level[0].top > _SAME_RULE:
            yield from _merge_level(level)
            level = []
        level.append(rule)
    yield from _merge_level(level)


def _merge_level(rules: Sequence[Band]) -> Iterator[Band]:
    whole: Band | None = None
    for rule in sorted(rules, key=lambda rule: rule.x0):
        if whole and rule.x0 - whole.x1 < 3:
            whole = Band(whole.top, whole.top, whole.x0, max(whole.x1, rule.x1))
        else:
            if whole:
                yield whole
            whole = rule
    if whole:
        yield whole
