"""Parsed manuals kept by content hash in one SQLite file, so that a start need not parse again.

The file holds nothing that the manuals do not hold: it may be deleted at any time.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from copilot_knowledge.chunk import Chunk
from copilot_knowledge.document import Document

# Raise it whenever the same file parses, chunks or tokenises to another result.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document, its chunks and the index terms of each chunk."""

    document: Document
    chunks: tuple[Chunk, ...]
    terms: tuple[tuple[str, ...], ...]


_PARSED = TypeAdapter(Parsed)


def load(cache: Path, keys: Iterable[str]) -> dict[str, Parsed]:
    """What the cache holds under these keys; raises sqlite3.Error, ValueError or OSError."""
    with closing(_connect(cache)) as connection:
        rows = dict(connection.execute("SELECT key, content FROM parsed").fetchall())
    return {key: _PARSED.validate_json(rows[key]) for key in keys if key in rows}


def save(cache: Path, new: Mapping[str, Parsed], keep: Iterable[str]) -> None:
    """Add entries and drop those of files that are gone; raises sqlite3.Error or OSError."""
    rows = [(key, _PARSED.dump_json(parsed)) for key, parsed in new.items()]
    kept = {*keep, *new}
    with closing(_connect(cache)) as connection, connection:
        stale = [row for row in connection.execute("SELECT key FROM parsed") if row[0] not in kept]
        connection.executemany("DELETE FROM parsed WHERE key = ?", stale)
        connection.executemany("INSERT OR REPLACE INTO parsed VALUES (?, ?)", rows)


def _connect(cache: Path) -> sqlite3.Connection:
    cache.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(cache, timeout=5)
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS parsed (key TEXT PRIMARY KEY, content BLOB NOT NULL)"
        )
    except sqlite3.Error:
        connection.close()
        raise
    return connection
