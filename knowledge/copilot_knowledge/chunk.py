"""Blocks to chunks: what is indexed and quoted, at most 200 tokens of one section on one page.

A table row is never cut and keeps its heads; a warning stays with the step that it guards.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from copilot_knowledge.assemble import with_paths
from copilot_knowledge.codes import is_row_key
from copilot_knowledge.document import Block

MOST_TOKENS = 200
# A row of many words (symptom, cause, remedy) answers by itself; short rows are read together.
_LONG_ROW = 24
_TOKEN = re.compile(r"\w+|[^\w\s]")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+(?=[A-Z0-9])")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A verbatim piece of one page; `path` is its headings, `lead` and `more` as in Passage."""

    path: tuple[str, ...]
    page: int
    text: str
    lead: str = ""
    more: bool = False
    table: bool = False

    @property
    def key_head(self) -> str:
        """The head over the first column of a table."""
        return self.lead.rsplit("\n", 1)[-1].split(" | ")[0]


def chunk(blocks: Sequence[Block]) -> tuple[Chunk, ...]:
    """All chunks of a document in reading order."""
    chunks: list[Chunk] = []
    for path, section in groupby(with_paths(blocks), key=lambda pair: pair[0]):
        inside = list(_section_chunks(path, [block for _, block in section]))
        chunks += [replace(piece, more=True) for piece in inside[:-1]] + inside[-1:]
    return tuple(chunks)


def count_tokens(text: str) -> int:
    """Words and marks, a stand-in for model tokens."""
    return len(_TOKEN.findall(text))


def _section_chunks(path: tuple[str, ...], blocks: Sequence[Block]) -> Iterator[Chunk]:
    spoken = [b for i, b in enumerate(blocks) if _is_spoken(b, blocks[i + 1 : i + 2])]
    runs = groupby(spoken, key=lambda b: (b.page, b.kind == "row"))
    before: Block | None = None
    for run in [list(run) for _, run in runs]:
        yield from _rows(path, run) if run[0].kind == "row" else _prose(path, run, before)
        before = run[-1]


def _is_spoken(block: Block, following: Sequence[Block]) -> bool:
    """Whether a block is text of its own; heads and captions go with their rows."""
    if block.kind == "caption":
        return not (following and following[0].kind in ("header", "row"))
    return block.kind not in ("heading", "header", "contents")


def _rows(path: tuple[str, ...], rows: Sequence[Block]) -> Iterator[Chunk]:
    for (caption, header), table in groupby(rows, key=lambda row: (row.caption, row.header)):
        lead = "\n".join(text for text in (caption, header) if text)
        for group in _row_groups(list(table)):
            text = "\n".join(row.text for row in group)
            yield Chunk(path, group[0].page, text, lead, table=True)


def _row_groups(rows: Sequence[Block]) -> Iterator[list[Block]]:
    group: list[Block] = []
    for row in rows:
        alone = len(row.text.split()) >= _LONG_ROW or _is_entry(row)
        size = sum(count_tokens(r.text) for r in (*group, row))
        if group and (alone or size > MOST_TOKENS):
            yield group
            group = []
        group.append(row)
        if alone:
            yield group
            group = []
    if group:
        yield group


def _is_entry(row: Block) -> bool:
    """Whether a row is about one fault code or part number."""
    return is_row_key(row.text.split(" | ")[0].strip(), row.header.split(" | ")[0])


def _prose(path: tuple[str, ...], blocks: Sequence[Block], before: Block | None) -> Iterator[Chunk]:
    # A warning at the foot of a page guards the first step of the next.
    guards = before and before.kind == "warning" and blocks[0].kind == "step"
    lead = before.text if before and guards else ""
    group: list[str] = []
    for unit in _units(blocks):
        if group and count_tokens("\n".join((*group, *unit))) > MOST_TOKENS:
            yield Chunk(path, blocks[0].page, "\n".join(group), lead)
            group, lead = [], ""
        group += unit
    yield Chunk(path, blocks[0].page, "\n".join(group), lead)


def _units(blocks: Sequence[Block]) -> Iterator[list[str]]:
    """Texts that must not be parted: a warning with the blocks around it, otherwise one block."""
    held: list[str] = []
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        held.append(block.text)
        if following and block.kind == "warning":
            continue
        near = [*held, following.text] if following and following.kind == "warning" else []
        if near and count_tokens("\n".join(near)) <= MOST_TOKENS:
            continue
        if len(held) == 1 and count_tokens(held[0]) > MOST_TOKENS:
            yield from ([sentence] for sentence in _SENTENCE_END.split(held[0]))
        else:
            yield held
        held = []
