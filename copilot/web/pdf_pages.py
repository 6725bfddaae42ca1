"""Pages of PDF manuals as pictures, and where a passage stands on them.

pdfium may only be used by one thread at a time, whatever the document.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import ParamSpec, TypeVar

import pypdfium2

from copilot_knowledge.boxes import boxes_on
from copilot_knowledge.document import Box
from copilot_knowledge.pdfium import PDFIUM
from copilot_tools.errors import Failed

SCALE = 2
LARGEST_SCALE = 4
MOST_PIXELS = 4000
KEPT = 32
_COLOURS = 64
# One thread of its own, so that pages that wait for pdfium keep nobody else waiting.
_THREAD = ThreadPoolExecutor(1, "pdfium")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The size of a page's picture at the usual scale, and the boxes that hold the passage."""

    width: int
    height: int
    boxes: tuple[tuple[int, int, int, int], ...]


async def drawing(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of work with PDF files, done one after the other beside everything else."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, partial(work, *args, **kwargs))


def picture_of(file: Path, number: int, scale: int = SCALE) -> bytes:
    """A page (1 = the first) as PNG; raises Failed when it cannot be drawn."""
    return _draw(file, file.stat().st_mtime_ns, number, min(max(scale, 1), LARGEST_SCALE))


def look_up(file: Path, number: int, passage: str) -> Sheet:
    """Where a passage stands on a page; without boxes when it is not found there."""
    try:
        with PDFIUM, pypdfium2.PdfDocument(file) as pdf:
            page = pdf[number - 1]
            width, height = (round(side * SCALE) for side in page.get_size())
        boxes = tuple(_drawn(box, width, height) for box in boxes_on(file, number, passage))
        return Sheet(width, height, boxes)
    except (pypdfium2.PdfiumError, IndexError) as error:
        raise Failed(f"{file.name}, page {number}: {error}") from error


@lru_cache(maxsize=KEPT)
def _draw(file: Path, changed: int, number: int, scale: int) -> bytes:
    try:
        with PDFIUM, pypdfium2.PdfDocument(file) as pdf:
            page = pdf[number - 1]
            fitting = min(scale, MOST_PIXELS / max(*page.get_size(), 1))
            image = page.render(scale=fitting).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, IndexError) as error:
        raise Failed(f"{file.name}, page {number}: {error}") from error
    drawn = BytesIO()
    image.quantize(_COLOURS).save(drawn, "PNG")
    return drawn.getvalue()


def _drawn(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    x, y, wide, high = box
    return round(x * width), round(y * height), round(wide * width), round(high * height)
