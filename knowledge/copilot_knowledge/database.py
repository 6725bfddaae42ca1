"""The library's own database: the only truth about manuals; every index is made from it.

A manual is taken in by one transaction: after a crash it is there whole, or not at all.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from copilot_knowledge.document import Manual, Page, Section
from copilot_knowledge.rows import (
    Parsed,
    Row,
    Stored,
    chunk_rows,
    code_rows,
    manual_row,
    page_rows,
    read_manual,
    read_stored,
    section_rows,
)
from copilot_knowledge.schema import prepare

WIDTH = 384

Vectors = NDArray[np.float16]


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
            prepare(self._connection)
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
        return [read_manual(row) for row in rows]

    def unread(self) -> set[str]:
        """The content hashes of manuals with pictures of pages that nothing could read so far."""
        rows = self._connection.execute("SELECT key FROM manuals WHERE unread")
        return {key for (key,) in rows}

    def add(self, key: str, parsed: Parsed) -> int:
        """Take a manual in, in place of the one with this key; returns its number."""
        with self._changing():
            self._connection.execute("DELETE FROM manuals WHERE key = ?", (key,))
            first = self._next("chunks")
            number = self._next("manuals")
            self._insert("manuals", [manual_row(number, key, parsed.document)])
            self._insert("pages", page_rows(number, parsed.document))
            self._insert("sections", section_rows(number, parsed.document))
            self._insert("chunks", chunk_rows(number, first, parsed))
            self._insert("codes", code_rows(first, parsed))
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
        return [read_stored(row) for row in rows]

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

    def _next(self, table: str) -> int:
        """The number after the highest that a table has ever given."""
        (last,) = self._connection.execute(
            "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = ?", (table,)
        ).fetchone()
        return int(last) + 1

    def _insert(self, table: str, rows: Iterable[Row]) -> None:
        if inserted := list(rows):
            places = ", ".join("?" * len(inserted[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({places})", inserted)
