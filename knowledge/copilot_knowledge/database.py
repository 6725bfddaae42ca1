"""The library's own database: the only truth about manuals; every index is made from it.

A manual is taken in by one transaction: after a crash it is there whole, or not at all.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from copilot_knowledge.chunk import Chunk
from copilot_knowledge.chunk_codes import codes_of
from copilot_knowledge.codes import bare
from copilot_knowledge.document import Document, Manual, Page, Section

# Raise it whenever the same file parses, chunks or tokenises to another result.
FORMAT = 2
WIDTH = 384

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE manuals (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL, title TEXT NOT NULL, revision TEXT NOT NULL, date TEXT,
    effective_from TEXT, effective_until TEXT,
    kinds TEXT NOT NULL, assets TEXT NOT NULL, models TEXT NOT NULL, roles TEXT NOT NULL,
    language TEXT NOT NULL, supersedes TEXT NOT NULL, file TEXT NOT NULL
);
CREATE TABLE pages (
    manual INTEGER NOT NULL REFERENCES manuals ON DELETE CASCADE,
    number INTEGER NOT NULL, text TEXT NOT NULL, searchable INTEGER NOT NULL,
    PRIMARY KEY (manual, number)
) WITHOUT ROWID;
CREATE TABLE sections (
    manual INTEGER NOT NULL REFERENCES manuals ON DELETE CASCADE,
    place INTEGER NOT NULL, heading TEXT NOT NULL, page INTEGER NOT NULL, path TEXT NOT NULL,
    PRIMARY KEY (manual, place)
) WITHOUT ROWID;
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    manual INTEGER NOT NULL REFERENCES manuals ON DELETE CASCADE,
    quote INTEGER NOT NULL, path TEXT NOT NULL, page INTEGER NOT NULL, text TEXT NOT NULL,
    lead TEXT NOT NULL, more INTEGER NOT NULL, tabular INTEGER NOT NULL, terms TEXT NOT NULL
);
CREATE INDEX chunks_of ON chunks (manual);
CREATE INDEX chunks_quoted ON chunks (quote);
CREATE TABLE codes (
    code TEXT NOT NULL, bare TEXT NOT NULL,
    chunk INTEGER NOT NULL REFERENCES chunks ON DELETE CASCADE, defines INTEGER NOT NULL
);
CREATE INDEX codes_spelled ON codes (code);
CREATE INDEX codes_bare ON codes (bare);
CREATE INDEX codes_of ON codes (chunk);
CREATE TABLE vectors (
    manual INTEGER PRIMARY KEY REFERENCES manuals ON DELETE CASCADE, content BLOB NOT NULL
);
CREATE TABLE refused (key TEXT PRIMARY KEY, file TEXT NOT NULL, why TEXT NOT NULL);
"""

Vectors = NDArray[np.float16]


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


class Database:
    """One connection; use it from one thread at a time. Raises sqlite3.Error and OSError."""

    def __init__(self, path: Path | None) -> None:
        """Open or make the database; None is one in memory. A damaged one raises DatabaseError."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        name = ":memory:" if path is None else str(path)
        self._connection = sqlite3.connect(name, timeout=10, check_same_thread=False)
        self._connection.isolation_level = None
        try:
            self._prepare()
        except sqlite3.Error:
            self._connection.close()
            raise

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    @property
    def changes(self) -> int:
        """How often the library has changed: an index made at another count is out of date."""
        (count,) = self._connection.execute(
            "SELECT value FROM meta WHERE name = 'changes'"
        ).fetchone()
        return int(count)

    def keys(self) -> set[str]:
        """The content hashes of all manuals that are held."""
        return {key for (key,) in self._connection.execute("SELECT key FROM manuals")}

    def refused(self) -> dict[str, str]:
        """Content hashes of files that could not be read, with the reason."""
        return dict(self._connection.execute("SELECT key, why FROM refused").fetchall())

    def left_out(self) -> list[tuple[str, str]]:
        """The files that could not be read, each with the reason."""
        return self._connection.execute("SELECT file, why FROM refused ORDER BY file").fetchall()

    def manuals(self) -> list[Manual]:
        """Every manual, in the order they were taken in."""
        rows = self._connection.execute(
            "SELECT m.*, (SELECT COUNT(*) FROM pages p WHERE p.manual = m.number), "
            "(SELECT GROUP_CONCAT(p.number) FROM pages p WHERE p.manual = m.number "
            "AND NOT p.searchable) FROM manuals m ORDER BY m.number"
        )
        return [_manual(row) for row in rows]

    def add(self, key: str, parsed: Parsed) -> int:
        """Take a manual in; returns its number."""
        with self._changing():
            number = self._insert_manual(key, parsed.document)
            self._insert_chunks(number, parsed)
        return number

    def refuse(self, key: str, file: str, why: str) -> None:
        """Remember that a file cannot be read, so that it is not tried at every start."""
        with self._changing():
            self._connection.execute(
                "INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", (key, file, why)
            )

    def keep(self, keys: Iterable[str]) -> int:
        """Drop all manuals and refusals but those with these keys; the number dropped."""
        kept = set(keys)
        gone = [(key,) for key in {*self.keys(), *self.refused()} - kept]
        if gone:
            with self._changing():
                self._connection.executemany("DELETE FROM manuals WHERE key = ?", gone)
                self._connection.executemany("DELETE FROM refused WHERE key = ?", gone)
        return len(gone)

    def unencoded(self) -> list[int]:
        """The numbers of the manuals whose chunks have no vectors yet."""
        rows = self._connection.execute(
            "SELECT number FROM manuals WHERE number NOT IN (SELECT manual FROM vectors)"
        )
        return [number for (number,) in rows]

    def texts(self, manual: int) -> list[str]:
        """What is encoded of each chunk of a manual: its headings, then its text."""
        rows = self._connection.execute(
            "SELECT path, lead, text FROM chunks WHERE manual = ? ORDER BY number", (manual,)
        )
        return [f"{' > '.join(json.loads(path))}\n{lead}\n{text}" for path, lead, text in rows]

    def set_vectors(self, manual: int, vectors: Vectors) -> None:
        """Keep the vectors of a manual's chunks, one a chunk in their order."""
        with self._changing():
            row = (manual, vectors.astype(np.float16).tobytes())
            self._connection.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", row)

    def vectors(self, manual: int) -> Vectors | None:
        """The vectors of a manual's chunks; None when there are none."""
        row = self._connection.execute(
            "SELECT content FROM vectors WHERE manual = ?", (manual,)
        ).fetchone()
        return None if row is None else np.frombuffer(row[0], np.float16).reshape(-1, WIDTH)

    def chunk_rows(self, manual: int) -> Iterator[tuple[int, int, bool, str]]:
        """Number, first number of its quote, whether it defines a code, and terms of each chunk."""
        rows = self._connection.execute(
            "SELECT number, quote, EXISTS (SELECT 1 FROM codes WHERE chunk = number AND defines), "
            "terms FROM chunks WHERE manual = ? ORDER BY number",
            (manual,),
        )
        for number, quote, defines, terms in rows:
            yield number, quote, bool(defines), terms

    def quoted(self, quote: int) -> list[Stored]:
        """All chunks of one quote, in reading order."""
        rows = self._connection.execute(
            "SELECT number, manual, path, page, text, lead, more, tabular, terms FROM chunks "
            "WHERE quote = ? AND number >= ? ORDER BY number",
            (quote, quote),
        )
        return [_stored(row) for row in rows]

    def chunks_with(self, code: str, *, without_letters: bool) -> list[tuple[int, bool]]:
        """Numbers of the chunks that hold a code, and whether each defines it."""
        column = "bare" if without_letters else "code"
        rows = self._connection.execute(
            f"SELECT chunk, defines FROM codes WHERE {column} = ? ORDER BY chunk", (code,)
        )
        return [(number, bool(defines)) for number, defines in rows]

    def sections(self, manual: int) -> tuple[Section, ...]:
        """The sections of a manual in their order."""
        rows = self._connection.execute(
            "SELECT heading, page, path FROM sections WHERE manual = ? ORDER BY place", (manual,)
        )
        return tuple(Section(h, page, tuple(json.loads(path))) for h, page, path in rows)

    def page(self, manual: int, number: int) -> Page | None:
        """One page of a manual."""
        row = self._connection.execute(
            "SELECT text, searchable FROM pages WHERE manual = ? AND number = ?", (manual, number)
        ).fetchone()
        return None if row is None else Page(number, row[0], bool(row[1]))

    def _prepare(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == FORMAT:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        # What an older version took in is read anew from the files.
        tables = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        self._connection.execute("PRAGMA defer_foreign_keys=ON")
        for (name,) in reversed(tables):
            self._connection.execute(f'DROP TABLE "{name}"')
        for statement in _SCHEMA.split(";"):
            if statement.strip():
                self._connection.execute(statement)
        self._connection.execute("INSERT INTO meta VALUES ('changes', 0)")
        self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        self._connection.execute("COMMIT")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'changes'")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _insert_manual(self, key: str, document: Document) -> int:
        row = (
            key,
            *(document.id, document.title, document.revision, _day(document.date)),
            *(_day(document.effective_from), _day(document.effective_until)),
            *map(json.dumps, (document.kinds, document.assets, document.models, document.roles)),
            *(document.language, document.supersedes, document.file),
        )
        places = ", ".join("?" * len(row))
        inserted = self._connection.execute(f"INSERT INTO manuals VALUES (NULL, {places})", row)
        number = int(inserted.lastrowid or 0)
        self._connection.executemany(
            "INSERT INTO pages VALUES (?, ?, ?, ?)",
            [(number, page.number, page.text, page.searchable) for page in document.pages],
        )
        self._connection.executemany(
            "INSERT INTO sections VALUES (?, ?, ?, ?, ?)",
            [
                (number, place, section.heading, section.page, json.dumps(section.path))
                for place, section in enumerate(document.sections)
            ],
        )
        return number

    def _insert_chunks(self, manual: int, parsed: Parsed) -> None:
        (last,) = self._connection.execute(
            "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'chunks'"
        ).fetchone()
        first = last + 1
        rows = [
            (
                *(first + place, manual, first + quote, json.dumps(piece.path), piece.page),
                *(piece.text, piece.lead, piece.more, piece.table, " ".join(terms)),
            )
            for place, (piece, terms, quote) in enumerate(
                zip(parsed.chunks, parsed.terms, parsed.quotes, strict=True)
            )
        ]
        self._connection.executemany(f"INSERT INTO chunks VALUES ({', '.join('?' * 10)})", rows)
        codes = [
            (code, bare(code), first + place, defines)
            for place, piece in enumerate(parsed.chunks)
            for code, defines in codes_of(piece).items()
        ]
        self._connection.executemany("INSERT INTO codes VALUES (?, ?, ?, ?)", codes)


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _read_day(text: str | int | None) -> date | None:
    return date.fromisoformat(str(text)) if text else None


def _manual(row: Sequence[str | int | None]) -> Manual:
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
        page_count=int(row[15] or 0),
        blank_pages=tuple(int(number) for number in str(row[16] or "").split(",") if number),
    )


def _stored(row: tuple[int, int, str, int, str, str, int, int, str]) -> Stored:
    number, manual, path, page, text, lead, more, tabular, terms = row
    piece = Chunk(tuple(json.loads(path)), page, text, lead, bool(more), bool(tabular))
    return Stored(number, manual, piece, frozenset(terms.split()))
