"""Which codes a chunk is about, and which it only mentions."""

from collections.abc import Iterator

from copilot_knowledge.chunk import Chunk
from copilot_knowledge.codes import codes_in, is_row_key, normalise


def codes_of(piece: Chunk) -> dict[str, bool]:
    """The codes a chunk holds; true for those it defines: as keys of rows, or in its heading."""
    defined = set(_defined(piece))
    mentioned = set(codes_in(f"{piece.lead}\n{piece.text}"))
    return {code: code in defined for code in sorted(defined | mentioned)}


def _defined(piece: Chunk) -> Iterator[str]:
    for row in piece.text.split("\n") if piece.table else ():
        key = row.split(" | ")[0].strip()
        if is_row_key(key, piece.key_head):
            yield normalise(key)
    for heading in piece.path[-1:]:
        yield from codes_in(heading)
