"""Lists of fault codes, as CSV or YAML, to a document with one table: a row a code."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from copilot_knowledge.assemble import assemble
from copilot_knowledge.document import Block, Document, UnreadableDocument
from copilot_knowledge.metadata import read_metadata
from copilot_knowledge.untrusted import one_line

MOST_BYTES = 20_000_000
MOST_YAML_BYTES = 3_000_000  # read in Python alone, at about 100 kB a second
MOST_ROWS = 50_000
LONGEST_HEADS = 4_000  # characters: they stand before every row
MOST_SAID = 200  # values of one cell
_SNIFFED = 5_000
_DEEPEST = 4
CODE_HEADS = ("code", "fault", "error", "alarm", "id", "number")


def parse_codes(file: Path) -> tuple[Document, tuple[Block, ...]]:
    """A CSV or YAML file of codes as a document and its blocks; raises UnreadableDocument."""
    is_yaml = file.suffix.lower() in (".yaml", ".yml")
    text = _read(file, MOST_YAML_BYTES if is_yaml else MOST_BYTES)
    heads, rows = _read_yaml(text) if is_yaml else _read_csv(text)
    if not rows:
        raise UnreadableDocument("holds no rows")
    metadata = read_metadata(file, {})
    header = " | ".join(heads)
    if len(header) > LONGEST_HEADS:
        raise UnreadableDocument(f"its heads have {len(header):,} characters")
    blocks = (
        Block("heading", metadata.title, 1, 1),
        Block("header", header, 1),
        *(Block("row", " | ".join(row), 1, 0, "", header) for row in rows),
    )
    return assemble(metadata, file.name, 1, blocks), blocks


def _read(file: Path, most: int) -> str:
    try:
        content = file.read_bytes()
        if len(content) > most:
            raise UnreadableDocument(f"larger than {most // 1_000_000} MB")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise UnreadableDocument(str(error)) from error


def _read_csv(text: str) -> tuple[list[str], list[list[str]]]:
    try:
        dialect = csv.Sniffer().sniff(text[:_SNIFFED], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        lines = [[one_line(cell) for cell in row] for row in csv.reader(io.StringIO(text), dialect)]
    except csv.Error as error:
        raise UnreadableDocument(f"not readable CSV: {error}") from error
    lines = [row for row in lines if any(row)]
    if len(lines) < 2 or len(lines[0]) < 2:
        raise UnreadableDocument("is no table: a line of heads and rows of two cells are needed")
    if len(lines) > MOST_ROWS:
        raise UnreadableDocument(f"{len(lines):,} rows; at most {MOST_ROWS:,} are taken in")
    return lines[0], lines[1:]


def _read_yaml(text: str) -> tuple[list[str], list[list[str]]]:
    try:
        # BaseLoader keeps "010" as written and builds nothing but text, lists and maps.
        content = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableDocument(f"not readable YAML: {one_line(str(error))[:200]}") from error
    entries = next(_lists_of_maps(content), [])
    if len(entries) > MOST_ROWS:
        raise UnreadableDocument(f"{len(entries):,} entries; at most {MOST_ROWS:,} are taken in")
    names = list(dict.fromkeys(str(name) for entry in entries for name in entry))
    names.sort(key=lambda name: not any(head in name.lower() for head in CODE_HEADS))
    if len(names) > MOST_SAID:
        raise UnreadableDocument(f"its entries have {len(names):,} different fields")
    rows = [[one_line(_say(entry.get(name, ""))) for name in names] for entry in entries]
    return [one_line(name) for name in names], rows


def _lists_of_maps(content: Any) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The list of entries: the file itself, or what stands under one of its names."""
    candidates = content.values() if isinstance(content, dict) else [content]
    for candidate in candidates:
        if isinstance(candidate, list) and candidate:
            entries = [entry for entry in candidate if isinstance(entry, dict)]
            if len(entries) == len(candidate):
                yield entries


def _say(value: Any) -> str:
    words = list(islice(_words(value, 0), MOST_SAID + 1))
    if len(words) > MOST_SAID:
        raise UnreadableDocument(f"a field has more than {MOST_SAID} values")
    return ", ".join(words)


def _words(value: Any, depth: int) -> Iterator[str]:
    """The texts in a value, one by one: aliases in a small file can stand for millions."""
    if depth > _DEEPEST:
        raise UnreadableDocument("a field is nested too deeply")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{name}: {', '.join(_words(inner, depth + 1))}"
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner, depth + 1)
    else:
        yield str(value)
