"""What a manual is once it has been read: its identity, pages, blocks and quotable passages."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

BlockKind = Literal[
    "heading", "paragraph", "step", "warning", "caption", "header", "row", "contents"
]
# x, y, width and height as shares of the page's, from its upper left corner.
Box = tuple[float, float, float, float]


class UnreadableDocument(Exception):
    """A file cannot be taken in; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page by its true number (1 = first); `searchable` is false where it holds no text.

    Table rows stand on one line each, their cells parted by " | ".
    """

    number: int
    text: str
    searchable: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A section by its heading ("2.3 Lock-out"), the page it begins on and its heading path."""

    heading: str
    page: int
    path: tuple[str, ...]

    @property
    def number(self) -> str:
        """The section number where the heading has one: "2.3", else ""."""
        first = self.heading.split(maxsplit=1)[:1]
        return first[0].rstrip(".") if first and first[0][0].isdigit() else ""


@dataclass(frozen=True, slots=True)
class Document:
    """A manual with what it applies to; `date` is the day of issue, `file` its file name.

    It holds from `effective_from` until the day before `effective_until`, where these are stated.
    Without `roles` everybody may read it. `unread`: some pages are pictures, and there was nothing
    installed that could read them.
    """

    id: str
    title: str
    revision: str
    date: dt.date | None
    kinds: tuple[str, ...]
    assets: tuple[str, ...]
    models: tuple[str, ...]
    language: str
    supersedes: str
    file: str
    pages: tuple[Page, ...]
    sections: tuple[Section, ...]
    roles: tuple[str, ...] = ()
    effective_from: dt.date | None = None
    effective_until: dt.date | None = None
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Manual:
    """A manual that is held, as it is listed: a Document without its pages.

    `number` is what the library calls it, `key` the hash of what it was read from. `blank_pages`
    are those without text, which cannot be searched.
    """

    number: int
    key: str
    id: str
    title: str
    revision: str
    date: dt.date | None
    kinds: tuple[str, ...]
    assets: tuple[str, ...]
    models: tuple[str, ...]
    language: str
    supersedes: str
    file: str
    roles: tuple[str, ...]
    effective_from: dt.date | None
    effective_until: dt.date | None
    unread: bool
    page_count: int
    blank_pages: tuple[int, ...]

    @property
    def label(self) -> str:
        """Id and revision: "XY-01 rev. D"."""
        return f"{self.id} rev. {self.revision}" if self.revision else self.id


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a page in reading order; a table row also knows its caption and heads."""

    kind: BlockKind
    text: str
    page: int
    level: int = 0
    caption: str = ""
    header: str = ""


@dataclass(frozen=True, slots=True)
class PdfContent:
    """What a PDF holds: how many pages, what its properties state, and its blocks."""

    pages: int
    stated: dict[str, Any]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A verbatim quote from one page of a current document.

    `lead` holds verbatim lines that must be read with it (table heads, a warning from the page
    before); `more` says that the section goes on after the quote.
    """

    document: str
    title: str
    revision: str
    page: int
    section: str
    text: str
    score: float
    lead: str = ""
    more: bool = False

    @property
    def reference(self) -> str:
        """Where to look it up: "XY-01 rev. D, page 12, section 2.3 Lock-out"."""
        revision = f" rev. {self.revision}" if self.revision else ""
        section = f", section {self.section}" if self.section else ""
        return f"{self.document}{revision}, page {self.page}{section}"


Strength = Literal["strong", "weak", "none"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the manuals say to a question, best passage first.

    `strong`: the passages cover the question; `weak`: not clearly; `none`: they do not, and there
    are no passages. `unknown_codes` stand in none of the manuals `searched`.
    """

    passages: tuple[Passage, ...]
    strength: Strength
    unknown_codes: tuple[str, ...]
    searched: tuple[str, ...]
    notices: tuple[str, ...]
