"""Fault codes and part numbers: an exact table that is asked before anything is ranked.

A code that no loaded manual holds is reported as unknown; the nearest one is never offered.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from copilot_knowledge.chunk import Chunk
from copilot_knowledge.codes import (
    AskedCode,
    asked_codes,
    codes_in,
    is_designation,
    is_row_key,
    normalise,
)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Codes of a question: positions of chunks per known code, and the codes nobody knows.

    `defining` are the positions where a code has an entry of its own.
    """

    found: dict[str, tuple[int, ...]]
    defining: frozenset[int]
    unknown: tuple[str, ...]


class IdentifierTable:
    """Which chunks define and which mention each code."""

    def __init__(self, chunks: Sequence[Chunk], names: Iterable[str]) -> None:
        """Take the codes of `chunks`; `names` of machines are subjects, not codes."""
        self.is_definition = [False] * len(chunks)
        self._names = frozenset(normalise(name) for name in names)
        self._defining: dict[str, list[int]] = {}
        self._mentioning: dict[str, list[int]] = {}
        for position, piece in enumerate(chunks):
            defined = set(_defined(piece))
            self.is_definition[position] = bool(defined)
            for code in defined:
                self._defining.setdefault(code, []).append(position)
            for code in set(codes_in(f"{piece.lead}\n{piece.text}")) - defined:
                self._mentioning.setdefault(code, []).append(position)

    def look_up(self, question: str, allowed: Sequence[bool]) -> Lookup:
        """The codes of a question among the allowed chunks."""
        found: dict[str, tuple[int, ...]] = {}
        defining: set[int] = set()
        unknown: list[str] = []
        for asked in asked_codes(question):
            if asked.code in self._names or asked.code in found or asked.spelled in unknown:
                continue
            codes = self._readings(asked)
            defines = [p for c in codes for p in self._defining.get(c, ()) if allowed[p]]
            mentions = [p for c in codes for p in self._mentioning.get(c, ()) if allowed[p]]
            if is_designation(asked.spelled) and not defines:
                continue
            if defines or mentions:
                found[asked.code] = (*defines, *mentions)
                defining.update(defines)
            elif asked.certain:
                unknown.append(asked.spelled)
        return Lookup(found, frozenset(defining), tuple(unknown))

    def holders(self, code: str) -> tuple[int, ...]:
        """All chunks that hold a code, whatever the filter."""
        code = normalise(code)
        return (*self._defining.get(code, ()), *self._mentioning.get(code, ()))

    def _readings(self, asked: AskedCode) -> list[str]:
        """Codes that can be meant: "fault 1203" is F1203, never F120."""
        if not asked.number_only:
            return [asked.code]
        return [code for code in self._defining if code.lstrip(ascii_uppercase) == asked.code]


def _defined(piece: Chunk) -> Iterator[str]:
    """Codes that are the key of a table row, or stand in the heading."""
    for row in piece.text.split("\n") if piece.table else ():
        key = row.split(" | ")[0].strip()
        if is_row_key(key, piece.key_head):
            yield normalise(key)
    for heading in piece.path[-1:]:
        yield from codes_in(heading)
