"""Texts without pages: page n is the n-th section of the shallowest level that comes up twice."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from copilot_knowledge.document import Block


def paged(blocks: Sequence[Block]) -> Iterator[Block]:
    """The same blocks with the page each belongs to; text before the first section is on page 1."""
    levels = Counter(block.level for block in blocks if block.kind == "heading")
    top = min((level for level, count in levels.items() if count > 1), default=1)
    sections = 0
    for block in blocks:
        sections += block.kind == "heading" and block.level == top
        yield replace(block, page=max(sections, 1))


def last_page(blocks: Sequence[Block]) -> int:
    """How many pages these blocks make."""
    return max((block.page for block in blocks), default=1)
