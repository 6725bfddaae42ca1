"""Where a quoted passage stands on the printed page."""

from pathlib import Path

import pypdfium2
import pypdfium2.raw as raw

from copilot_knowledge.document import Box
from copilot_knowledge.passages import find_passage
from copilot_knowledge.pdfium import PDFIUM

SCALE = 10_000


def boxes_on(file: Path, number: int, passage: str) -> tuple[Box, ...]:
    """The boxes that hold a passage on a page (1 = first) of a PDF; none where it is not found.

    Raises pypdfium2.PdfiumError or IndexError for a file or page that cannot be read.
    """
    with PDFIUM, pypdfium2.PdfDocument(file) as pdf:
        page = pdf[number - 1]
        try:
            return _boxes(page, passage) if passage else ()
        finally:
            page.close()


def _boxes(page: pypdfium2.PdfPage, passage: str) -> tuple[Box, ...]:
    text = page.get_textpage()
    codes = (raw.FPDFText_GetUnicode(text, i) for i in range(text.count_chars()))
    place = pypdfium2.PdfPosConv(page, (0, 0, SCALE, SCALE, 0))
    boxes: list[Box] = []
    for found in find_passage(map(chr, codes), passage):
        for i in range(text.count_rects(found.start, len(found))):
            left, bottom, right, top = text.get_rect(i)
            (x0, y0), (x1, y1) = place.to_bitmap(left, top), place.to_bitmap(right, bottom)
            corner = (min(x0, x1) / SCALE, min(y0, y1) / SCALE)
            boxes.append((*corner, abs(x1 - x0) / SCALE, abs(y1 - y0) / SCALE))
    return tuple(boxes)
