"""What a search needs of the library: made from the database, never repaired.

On disk, a generation lies in a folder of its own, named by what it was made from. It is swapped
in by one rename of a file, so a crash leaves the old one, or none, and never half a new one.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from copilot_knowledge.database import WIDTH, Database
from copilot_knowledge.dense import SCANNED, CompactVectors, VectorIndex
from copilot_knowledge.lexical import LexicalIndex
from copilot_knowledge.neighbours import ChromaNeighbours, build_neighbours, open_neighbours
from copilot_knowledge.schema import FORMAT

PATIENCE_S = 600.0
COLUMNS = ("chunks", "manuals", "quotes", "defining")
INDEXING = "Indexing the manuals"

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """Positions stand for the chunks of the current manuals, in the order of their numbers.

    `chunks` are their numbers, `manuals` the numbers of their manuals, `quotes` the first number
    of what each is quoted with, `defining` whether it defines a code. `vectors` is None where no
    chunk has one.
    """

    chunks: NDArray[np.int64]
    manuals: NDArray[np.int64]
    quotes: NDArray[np.int64]
    defining: NDArray[np.bool_]
    lexical: LexicalIndex
    vectors: VectorIndex | None
    neighbours: ChromaNeighbours | None = None

    def position(self, chunk: int) -> int | None:
        """Where a chunk stands; None when its manual is not current."""
        place = int(np.searchsorted(self.chunks, chunk))
        return place if place < len(self.chunks) and self.chunks[place] == chunk else None

    def close(self) -> None:
        """Let other processes open the nearest-neighbour index."""
        if self.neighbours:
            self.neighbours.close()


def open_index(
    database: Database,
    current: Sequence[int],
    folder: Path | None = None,
    progress: Progress | None = None,
    scanned: int = SCANNED,
) -> SearchIndex:
    """The index of the current manuals, kept in `folder`, or in memory without one.

    It is made anew where it is missing, old or damaged. More than `scanned` vectors get a
    nearest-neighbour index.
    """
    tell = progress or _silent
    if folder is None:
        index, vectors = _make(database, sorted(current), tell)
        return index if vectors is None else replace(index, vectors=VectorIndex(vectors))
    folder.mkdir(parents=True, exist_ok=True)
    made_from = f"{FORMAT}:{scanned}:{database.changes}:{','.join(map(str, sorted(current)))}"
    with FileLock(folder / "lock", timeout=PATIENCE_S):
        if (known := _ready(folder, made_from)) is not None:
            with suppress(OSError, ValueError, KeyError, TypeError):  # damaged: made anew
                return _load(known, scanned)
        generation = folder / uuid4().hex
        _save(*_make(database, sorted(current), tell), generation, tell, scanned)
        _swap(folder, generation, made_from)
        return _load(generation, scanned)


def _make(
    database: Database, current: Sequence[int], tell: Progress
) -> tuple[SearchIndex, CompactVectors | None]:
    """The index but for its vectors, and these where there are any."""
    rows: list[tuple[int, int, int, bool]] = []

    def texts() -> Iterator[list[str]]:
        for done, manual in enumerate(current, 1):
            for number, quote, defines, terms in database.chunk_rows(manual):
                rows.append((number, manual, quote, defines))
                yield terms.split()
            tell(INDEXING, 0.5 * done / len(current))

    lexical = LexicalIndex.build(texts())
    columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.zeros(0)] * 4
    index = _arranged(dict(zip(COLUMNS, columns, strict=True)), lexical)
    return index, _vectors(database, index, current)


def _vectors(
    database: Database, index: SearchIndex, current: Sequence[int]
) -> CompactVectors | None:
    """The vectors of all chunks; zeros for those of a manual that has none yet."""
    parts: list[CompactVectors] = []
    known = False
    for manual in current:
        vectors = database.vectors(manual)
        known = known or vectors is not None
        if vectors is None:
            size = int(np.count_nonzero(index.manuals == manual))
            vectors = np.zeros((size, WIDTH), np.float16)
        parts.append(CompactVectors.of(vectors))
    return CompactVectors.joined(parts) if known else None


def _save(
    index: SearchIndex,
    vectors: CompactVectors | None,
    folder: Path,
    tell: Progress,
    scanned: int,
) -> None:
    folder.mkdir()
    for name in COLUMNS:
        np.save(folder / f"{name}.npy", getattr(index, name))
    index.lexical.save(folder / "words")
    if vectors is not None:
        np.save(folder / "vectors.npy", vectors.bytes)
        np.save(folder / "scales.npy", vectors.scales)
        if len(vectors) > scanned:
            build_neighbours(
                folder / "neighbours", vectors, lambda share: tell(INDEXING, 0.5 + share / 2)
            )
    tell(INDEXING, 1.0)


def _load(folder: Path, scanned: int) -> SearchIndex:
    arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in COLUMNS}
    size = len(arrays["chunks"])
    vectors, neighbours = None, None
    if (folder / "vectors.npy").is_file():
        compact = _load_vectors(folder)
        if compact.bytes.shape != (size, WIDTH):
            raise ValueError("vectors are missing")
        if size > scanned:
            neighbours = open_neighbours(folder / "neighbours", compact)
        vectors = VectorIndex(compact, neighbours, scanned)
    lexical = LexicalIndex.load(folder / "words", size)
    return replace(_arranged(arrays, lexical), vectors=vectors, neighbours=neighbours)


def _load_vectors(folder: Path) -> CompactVectors:
    """The vectors of an index; they are read from disk as they are used."""
    mapped = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    # A plain array over the same map: a slice of it costs a tenth.
    return CompactVectors(np.asarray(mapped), np.load(folder / "scales.npy", allow_pickle=False))


def _arranged(arrays: dict[str, NDArray[Any]], lexical: LexicalIndex) -> SearchIndex:
    """An index of these columns, without vectors."""
    return SearchIndex(
        chunks=arrays["chunks"].astype(np.int64, copy=False),
        manuals=arrays["manuals"].astype(np.int64, copy=False),
        quotes=arrays["quotes"].astype(np.int64, copy=False),
        defining=arrays["defining"].astype(np.bool_, copy=False),
        lexical=lexical,
        vectors=None,
    )


def _ready(folder: Path, made_from: str) -> Path | None:
    try:
        ready = json.loads((folder / "ready.json").read_text(encoding="utf-8"))
        generation = folder / str(ready["generation"])
        whole = ready["made_from"] == made_from and ready["files"] == _checksums(generation)
        return generation if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _swap(folder: Path, generation: Path, made_from: str) -> None:
    unfinished = folder / "ready.unfinished"
    content = {
        "generation": generation.name,
        "made_from": made_from,
        "files": _checksums(generation),
    }
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(folder / "ready.json")
    for other in folder.iterdir():
        if other.is_dir() and other != generation:
            # Who has it open reads on: the files are there until they are closed.
            shutil.rmtree(other, ignore_errors=True)


def _checksums(generation: Path) -> dict[str, int]:
    """A checksum of each file; a damaged one could mislead, or end the process that opens it.

    Left out are the files that chromadb writes to when it only reads.
    """
    files = (f for f in sorted(generation.rglob("*")) if f.is_file())
    return {
        file.relative_to(generation).as_posix(): _checksum(file)
        for file in files
        if not file.name.startswith("chroma.sqlite3") and file.suffix != ".lock"
    }


def _checksum(file: Path) -> int:
    value = 0
    with file.open("rb") as content:
        while part := content.read(1_000_000):
            value = crc32(part, value)
    return value


def _silent(_: str, __: float) -> None:
    """Progress for nobody."""
