"""How manuals and their chunks lie in the rows of the database, and are read from them again."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from copilot_knowledge.chunk import Chunk
from copilot_knowledge.chunk_codes import codes_of
from copilot_knowledge.codes import bare
from copilot_knowledge.document import Document, Manual

Row = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A manual as it was read: itself, its chunks, each one's index terms and quote.

    `quotes` holds for each chunk the place of the first chunk that is quoted with it.
    """

    document: Document
    chunks: tuple[Chunk, ...]
    terms: tuple[tuple[str, ...], ...]
    quotes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A chunk as it is stored, with the manual it belongs to."""

    number: int
    manual: int
    chunk: Chunk
    terms: frozenset[str]


def manual_row(number: int, key: str, document: Document) -> Row:
    """The row of a manual itself."""
    lists = (document.kinds, document.assets, document.models, document.roles)
    return (
        *(number, key, document.id, document.title, document.revision, _day(document.date)),
        *(_day(document.effective_from), _day(document.effective_until)),
        *map(json.dumps, lists),
        *(document.language, document.supersedes, document.file, document.unread),
    )


def page_rows(manual: int, document: Document) -> Iterator[Row]:
    """A row a page."""
    for page in document.pages:
        yield manual, page.number, page.text, page.searchable


def section_rows(manual: int, document: Document) -> Iterator[Row]:
    """A row a section."""
    for place, section in enumerate(document.sections):
        yield manual, place, section.heading, section.page, json.dumps(section.path)


def chunk_rows(manual: int, first: int, parsed: Parsed) -> Iterator[Row]:
    """A row a chunk, numbered from `first`."""
    chunks = zip(parsed.chunks, parsed.terms, parsed.quotes, strict=True)
    for number, (piece, terms, quote) in enumerate(chunks, first):
        yield (
            *(number, manual, first + quote, json.dumps(piece.path), piece.page),
            *(piece.text, piece.lead, piece.more, piece.table, " ".join(terms)),
        )


def code_rows(first: int, parsed: Parsed) -> Iterator[Row]:
    """A row for each code that a chunk holds."""
    for number, piece in enumerate(parsed.chunks, first):
        for code, defines in codes_of(piece).items():
            yield code, bare(code), number, defines


def read_manual(row: Sequence[str | int | None]) -> Manual:
    """A manual from its row, how many pages it has, and the numbers of the blank ones."""
    kinds, assets, models, roles = (tuple(json.loads(str(text))) for text in row[8:12])
    return Manual(
        number=int(str(row[0])),
        key=str(row[1]),
        id=str(row[2]),
        title=str(row[3]),
        revision=str(row[4]),
        date=_read_day(row[5]),
        effective_from=_read_day(row[6]),
        effective_until=_read_day(row[7]),
        kinds=kinds,
        assets=assets,
        models=models,
        roles=roles,
        language=str(row[12]),
        supersedes=str(row[13]),
        file=str(row[14]),
        unread=bool(row[15]),
        page_count=int(row[16] or 0),
        blank_pages=tuple(int(number) for number in str(row[17] or "").split(",") if number),
    )


def read_stored(row: tuple[int, int, str, int, str, str, int, int, str]) -> Stored:
    """A chunk from its row."""
    number, manual, path, page, text, lead, more, tabular, terms = row
    piece = Chunk(tuple(json.loads(path)), page, text, lead, bool(more), bool(tabular))
    return Stored(number, manual, piece, frozenset(terms.split()))


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _read_day(text: str | int | None) -> date | None:
    return date.fromisoformat(str(text)) if text else None
