"""The printed pages of manuals, read without our parser: does a quote stand where it is cited?"""

import re
from pathlib import Path

import pypdfium2

from copilot_knowledge.document import Passage
from copilot_knowledge.shelf import read

_WORD = re.compile(r"[^\W_]+")


class PrintedPages:
    """The words of each page of each PDF in a folder, by document and revision."""

    def __init__(self, folder: Path) -> None:
        self._pages: dict[tuple[str, str, int], frozenset[str]] = {}
        for file in folder.rglob("*.pdf"):
            document = read(file).document
            with pypdfium2.PdfDocument(file) as pdf:
                for number, page in enumerate(pdf, 1):
                    words = _words(page.get_textpage().get_text_range())
                    self._pages[document.id, document.revision, number] = words

    def holds(self, passage: Passage) -> bool | None:
        """Whether every word of a quote stands on the page it cites, whatever the layout.

        None for manuals that are not printed.
        """
        if (passage.document, passage.revision, 1) not in self._pages:
            return None
        page = self._pages.get((passage.document, passage.revision, passage.page), frozenset())
        return _words(passage.text) <= page


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.replace("\u00ad", "").casefold()))
