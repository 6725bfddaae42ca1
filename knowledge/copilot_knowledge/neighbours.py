"""The nearest-neighbour index in chromadb: embedded, derived from the stored vectors, disposable.

chromadb is damaged by two processes that write, and a reader does not see what another writes: the
index is written once into a folder of its own, and whoever opens it holds a lock.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from copilot_knowledge.dense import CompactVectors, Vector

NAME = "chunks"
BATCH = 5_000
SAMPLED = 50
FOUND = 0.9  # share of sampled vectors that a sound index finds again as their own nearest
# At the default settings one answer in five is lost (measured: recall@10 .82 off-domain).
_HNSW = {"space": "cosine", "max_neighbors": 32, "ef_construction": 200, "ef_search": 400}


class ChromaNeighbours:
    """One collection of a folder; `close` it to let another process open it.

    May be used from several threads, also while one of them closes it.
    """

    def __init__(self, client: Any, collection: Any, lock: FileLock) -> None:
        self._client = client
        self._collection = collection
        self._lock = lock
        self._using = Lock()
        self._closed = False

    def nearest(self, vector: Vector, count: int) -> list[int] | None:
        """Positions of about the nearest `count` vectors; None once it is closed."""
        with self._using:
            if self._closed:
                return None
            found = self._collection.query(
                query_embeddings=[vector.tolist()], n_results=count, include=[]
            )
        return [int(name) for name in found["ids"][0]]

    def close(self) -> None:
        """Let go of the folder, and of the memory that chromadb holds for it."""
        with self._using:
            if not self._closed:
                self._closed = True
                self._client.close()
                self._lock.release()


def build_neighbours(
    folder: Path, vectors: CompactVectors, progress: Callable[[float], None] | None = None
) -> None:
    """Write the index of all vectors into a new folder; none where chromadb cannot be loaded."""
    if not _loads():
        return
    client = _client(folder)
    collection = client.create_collection(
        NAME, configuration={"hnsw": _HNSW}, embedding_function=None
    )
    # Even parts: what is left of a last small one would be written to the index's files only by
    # whoever opens it, and their checksums would change.
    size = math.ceil(len(vectors) / math.ceil(len(vectors) / BATCH))
    for start in range(0, len(vectors), size):
        some = vectors.floats(slice(start, start + size))
        names = [str(position) for position in range(start, start + len(some))]
        collection.add(ids=names, embeddings=some)
        if progress:
            progress((start + len(some)) / len(vectors))
    client.close()


def open_neighbours(folder: Path, vectors: CompactVectors) -> ChromaNeighbours | None:
    """The index of these vectors; None when another process has it open, or it is not sound."""
    if not (folder / "chroma.sqlite3").is_file():  # chromadb would make a new one
        return None
    lock = FileLock(folder.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    opened = _open(folder, vectors, lock) if _loads() else None
    if opened is None:
        lock.release()
    return opened


def _open(folder: Path, vectors: CompactVectors, lock: FileLock) -> ChromaNeighbours | None:
    from chromadb.errors import ChromaError

    client = None
    # AttributeError: a client that could not be opened before breaks so when it is asked again.
    with suppress(ChromaError, AttributeError):
        client = _client(folder)
        collection = client.get_collection(NAME, embedding_function=None)
        opened = ChromaNeighbours(client, collection, lock)
        if collection.count() == len(vectors) and _finds_again(opened, vectors):
            return opened
    if client is not None:
        client.close()
    return None


def _finds_again(opened: ChromaNeighbours, vectors: CompactVectors) -> bool:
    places = np.unique(np.linspace(0, len(vectors) - 1, SAMPLED, dtype=np.int64))
    sampled = [vector for vector in vectors.floats(places) if vector.any()]
    found = 0
    for vector in sampled:
        near = np.array(opened.nearest(vector, 5) or [], dtype=np.int64)
        # Copies of a text are as near as the text itself.
        found += bool((vectors.cosines(vector, near) > 0.999).any())
    return found >= FOUND * len(sampled)


def _loads() -> bool:
    """Whether chromadb can be loaded: it reads .env in the working directory, which may be bad."""
    try:
        import chromadb  # noqa: F401
    except ValueError:
        return False
    return True


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    # Every field that a hostile .env in the working directory could set is given here.
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        anonymized_telemetry=False,
        allow_reset=False,
        is_persistent=True,
        persist_directory=str(folder),
        chroma_otel_collection_endpoint="",
    )
    return chromadb.PersistentClient(path=str(folder), settings=settings)
