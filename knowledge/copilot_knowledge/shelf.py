"""Reads a folder of manuals: every file once, the newest revision of each manual on top."""

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from copilot_knowledge.chunk import Chunk, chunk
from copilot_knowledge.document import Document, UnreadableDocument
from copilot_knowledge.parse_markdown import parse_markdown
from copilot_knowledge.parse_pdf import parse_pdf
from copilot_knowledge.store import FORMAT, Parsed, load, save
from copilot_knowledge.tokenise import index_terms

_PARSERS = {".pdf": parse_pdf, ".md": parse_markdown, ".markdown": parse_markdown}


@dataclass(frozen=True, slots=True)
class Shelf:
    """The current manuals, the superseded ones, and what a person should know about the rest."""

    current: tuple[Parsed, ...]
    superseded: tuple[Document, ...]
    notices: tuple[str, ...]


def read_shelf(folder: Path, cache: Path | None) -> Shelf:
    """All PDF and Markdown manuals under `folder`; a broken file is left out with a notice."""
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in _PARSERS and f.is_file())
    notices: list[str] = [] if files else [f"no manuals in {folder.name}"]
    parsed = _read_files(files, cache, notices)
    notices += [note for one in parsed for note in _page_notices(one.document)]
    current, superseded = _newest(parsed, notices)
    return Shelf(tuple(current), tuple(superseded), tuple(notices))


def _read_files(files: Sequence[Path], cache: Path | None, notices: list[str]) -> list[Parsed]:
    keys = dict(_keys(files, notices))
    known = _load(cache, list(keys.values()), notices) if cache else {}
    fresh: dict[str, Parsed] = {}
    for file, key in keys.items():
        if key in known or key in fresh:
            continue
        try:
            fresh[key] = _parse(file)
        except UnreadableDocument as error:
            notices.append(f"{file.name} left out: {error}")
    if cache and fresh:
        try:
            save(cache, fresh, keys.values())
        except (sqlite3.Error, OSError) as error:
            notices.append(f"parsed manuals could not be cached: {error}")
    parsed = known | fresh
    return [parsed[key] for key in dict.fromkeys(keys.values()) if key in parsed]


def _load(cache: Path, keys: Sequence[str], notices: list[str]) -> dict[str, Parsed]:
    """What the cache knows; a damaged cache is deleted, one in use by others is left alone."""
    try:
        return load(cache, keys)
    except (sqlite3.OperationalError, OSError) as error:
        notices.append(f"cache of parsed manuals not used: {error}")
    except (sqlite3.DatabaseError, ValueError) as error:
        notices.append(f"cache of parsed manuals made anew: {str(error).splitlines()[0]}")
        cache.unlink(missing_ok=True)
    return {}


def _keys(files: Sequence[Path], notices: list[str]) -> Iterator[tuple[Path, str]]:
    for file in files:
        try:
            yield file, _key(file)
        except OSError as error:
            notices.append(f"{file.name} left out: {error.strerror}")


def _key(file: Path) -> str:
    """Hash of the content, of the name that stands in for an identity, and of the side-car."""
    digest = hashlib.sha256(f"{FORMAT} {file.name}\n".encode())
    for part in (file, file.with_name(f"{file.name}.toml")):
        if part.is_file():
            digest.update(part.read_bytes())
    return digest.hexdigest()


def _parse(file: Path) -> Parsed:
    document, blocks = _PARSERS[file.suffix.lower()](file)
    chunks = chunk(blocks)
    return Parsed(document, chunks, tuple(_terms(piece, document.language) for piece in chunks))


def _terms(piece: Chunk, language: str) -> tuple[str, ...]:
    """The heading path counts twice: measured best on manuals."""
    path = " ".join(piece.path)
    return tuple(index_terms(f"{path} {path} {piece.lead} {piece.text}", language))


def _page_notices(document: Document) -> list[str]:
    blank = [str(page.number) for page in document.pages if not page.searchable]
    if not blank:
        return []
    pages = f"page {blank[0]}" if len(blank) == 1 else f"pages {', '.join(blank)}"
    return [f"{document.file}: {pages} without text (a picture?), not searched"]


def _newest(parsed: Sequence[Parsed], notices: list[str]) -> tuple[list[Parsed], list[Document]]:
    """The newest of each manual, and the rest; what states no revision or date has no rivals."""
    replaced = {p.document.supersedes for p in parsed if p.document.supersedes != p.document.id}
    best: dict[str, Document] = {}
    for document in sorted((p.document for p in parsed), key=_rank, reverse=True):
        best.setdefault(document.id, document)
    current: list[Parsed] = []
    old: list[Document] = []
    for one in parsed:
        document, winner = one.document, best[one.document.id]
        unversioned = not (winner.revision or winner.date)
        if document.id not in replaced and (document is winner or unversioned):
            current.append(one)
            continue
        old.append(document)
        copy = document.revision == winner.revision and document is not winner
        why = f"a second copy of {winner.file}" if copy else "superseded"
        notices.append(f"{document.file} ({document.label}) is {why} and not quoted")
    return current, old


def _rank(document: Document) -> tuple[list[tuple[int, int, str]], date, str]:
    """Order of revisions: numbers as numbers (1.10 after 1.9), letters as letters (AA after Z)."""
    parts = re.findall(r"\d+|[A-Za-z]+", document.revision)
    order = [(int(p), 0, "") if p.isdigit() else (0, len(p), p.upper()) for p in parts]
    return order, document.date or date.min, document.file
