"""Pages that are pictures, read by tesseract where it is installed; else they are said to be so."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from copilot_knowledge.document import Block
from copilot_knowledge.untrusted import one_line
from copilot_knowledge.wording import WARNING

if TYPE_CHECKING:
    import pypdfium2

RESOLUTION = 200  # dots an inch
LONGEST_S = 60.0
# Fewer characters than this on a page, and its text is in a picture.
LEAST_TEXT = 40
_LARGEST_SIDE = 5000  # pixels


def tesseract() -> str | None:
    """Where tesseract is; None when it is not installed."""
    return shutil.which("tesseract")


def read_scanned(pdf: "pypdfium2.PdfDocument", pages: Sequence[int]) -> Iterator[Block]:
    """The text of pages (1 = first) that hold none, as far as it can be read off their pictures."""
    program = tesseract()
    if program is None:
        return
    for number in pages:
        for paragraph in _recognise(program, pdf, number).split("\n\n"):
            text = one_line(paragraph)
            if len(text) > 2:
                yield Block("warning" if WARNING.match(text) else "paragraph", text, number)


def _recognise(program: str, pdf: "pypdfium2.PdfDocument", number: int) -> str:
    page = pdf[number - 1]
    try:
        scale = min(RESOLUTION / 72, _LARGEST_SIDE / max(page.get_width(), page.get_height(), 1))
        picture = BytesIO()
        page.render(scale=scale, grayscale=True).to_pil().save(picture, "PNG")
    finally:
        page.close()
    command = [program, "stdin", "stdout", "--dpi", str(RESOLUTION)]
    try:
        done = subprocess.run(
            command, input=picture.getvalue(), capture_output=True, timeout=LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
