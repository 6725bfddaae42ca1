"""Keeps the library's database as the folder of manuals is: takes in, replaces and removes.

Files are known by the hash of their content, so doing it again does nothing, and doing it after a
crash goes on where it stopped. One process writes at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from copilot_knowledge.chunk import Chunk, chunk, count_tokens
from copilot_knowledge.content_keys import ContentKeys
from copilot_knowledge.database import Database
from copilot_knowledge.document import Document, PdfContent, UnreadableDocument
from copilot_knowledge.parsers import PARSERS, parse
from copilot_knowledge.pdf_process import PdfProcess
from copilot_knowledge.rows import Parsed
from copilot_knowledge.scanned import tesseract
from copilot_knowledge.tokenise import index_terms
from copilot_knowledge.untrusted import one_line

# A section's running text on one page is quoted whole up to this many tokens.
MOST_QUOTED = 450
# Headings and table heads are kept with each chunk, so a small file may come to a large one.
MOST_HELD = 60_000_000  # characters

Progress = Callable[[str, float], None]


class Busy(Exception):
    """Another process is taking manuals in."""


class Encodes(Protocol):
    """What makes vectors of texts."""

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[float], None] | None = None
    ) -> NDArray[np.float32]:
        """One vector of unit length a text."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """What a look at the folder came to: files taken in, manuals dropped, and files left out.

    `passages` is how many passages were taken in.
    """

    added: tuple[str, ...]
    removed: int
    left_out: dict[str, str]
    passages: int


@contextmanager
def writing_alone(lock: Path | None, patience_s: float = 0.0) -> Iterator[None]:
    """Take manuals in alone; raises Busy when another process does for longer than `patience_s`.

    Without a lock file nobody else can be at it.
    """
    if lock is None:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=patience_s):
            yield
    except Timeout:
        raise Busy(f"another process is taking manuals in ({lock}); try again later") from None


def shelve(
    folder: Path, database: Database, known: ContentKeys, progress: Progress | None = None
) -> Shelved:
    """Make the database hold just the manuals that lie under `folder`, each as soon as it is read.

    What a file holds is committed before the next one is read.
    """
    tell = progress or _silent
    # A link that leads nowhere is looked at too: people should hear that it is left out.
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in PARSERS and not f.is_dir())
    left_out: dict[str, str] = {}
    keys = dict(_keys(files, known, left_out))
    refused = database.refused()
    # Pictures of pages can be read as soon as tesseract is there.
    done_with = {*refused, *(database.keys() - (database.unread() if tesseract() else set()))}
    added: list[str] = []
    passages = 0
    with PdfProcess() as pdfs:
        for done, (file, key) in enumerate(keys.items(), 1):
            if key not in done_with:
                try:
                    parsed = read(file, pdfs.read)
                    database.add(key, parsed)
                    added.append(file.name)
                    passages += len(parsed.chunks)
                except UnreadableDocument as error:
                    database.refuse(key, file.name, str(error))
                    refused[key] = str(error)
            if key in refused:
                left_out[file.name] = refused[key]
            tell("Reading the manuals", done / len(keys))
    removed = database.keep(keys.values())
    return Shelved(tuple(added), removed, left_out, passages)


def encode_missing(database: Database, encoder: Encodes, progress: Progress | None = None) -> None:
    """Make the vectors that are missing, manual by manual; what is done stays done."""
    tell = progress or _silent
    missing = database.unencoded()
    for done, manual in enumerate(missing):

        def share(part: float, done: int = done) -> None:
            tell("Learning what the manuals mean", (done + part) / len(missing))

        vectors = encoder.encode(database.texts(manual), share)
        database.set_vectors(manual, vectors.astype(np.float16))


def read(file: Path, read_pdf: Callable[[Path], PdfContent] | None = None) -> Parsed:
    """A manual as it is taken in; raises UnreadableDocument."""
    document, blocks = parse(file, read_pdf)
    chunks = chunk(blocks)
    held = sum(len(c.text) + len(c.lead) + sum(map(len, c.path)) for c in chunks)
    if held > MOST_HELD:
        raise UnreadableDocument(f"its text comes to {held // 1_000_000} MB with all headings")
    return parsed_of(document, chunks)


def parsed_of(document: Document, chunks: tuple[Chunk, ...]) -> Parsed:
    """A manual with its chunks as it is taken in."""
    terms = tuple(_terms(piece, document.language) for piece in chunks)
    return Parsed(document, chunks, terms, tuple(_quotes(chunks)))


def _keys(
    files: Sequence[Path], known: ContentKeys, left_out: dict[str, str]
) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    for file in files:
        try:
            key = known.of(file)
        except OSError as error:
            left_out[file.name] = str(error.strerror)
            continue
        except UnicodeEncodeError:
            left_out[one_line(file.name)] = "its name is not UTF-8"
            continue
        if key not in seen:
            seen.add(key)
            yield file, key


def _terms(piece: Chunk, language: str) -> tuple[str, ...]:
    """The heading path counts twice: measured best on manuals."""
    path = " ".join(piece.path)
    return tuple(index_terms(f"{path} {path} {piece.lead} {piece.text}", language))


def _quotes(chunks: Sequence[Chunk]) -> Iterator[int]:
    """For each chunk the first one it is quoted with: running text of one section and page."""
    start = 0
    while start < len(chunks):
        end = _quote_end(chunks, start)
        yield from [start] * (end - start)
        start = end


def _quote_end(chunks: Sequence[Chunk], start: int) -> int:
    first, size, end = chunks[start], count_tokens(chunks[start].text), start + 1
    while end < len(chunks) and not first.table:
        piece = chunks[end]
        size += count_tokens(piece.text)
        near = (piece.path, piece.page, piece.table) == (first.path, first.page, False)
        if not near or size > MOST_QUOTED:
            break
        end += 1
    return end


def _silent(_: str, __: float) -> None:
    """Progress for nobody."""
