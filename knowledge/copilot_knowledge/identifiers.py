"""Fault codes and part numbers: an exact table that is asked before anything is ranked.

A code that no loaded manual holds is reported as unknown; the nearest one is never offered.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from copilot_knowledge.codes import AskedCode, asked_codes, is_designation, normalise

# From a code, with or without its letters, to (position of a chunk, whether it defines the code).
FindCode = Callable[[str, bool], list[tuple[int, bool]]]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Codes of a question: positions of chunks per known code, and the codes nobody knows.

    `defining` are the positions where a code has an entry of its own.
    """

    found: dict[str, tuple[int, ...]]
    defining: frozenset[int]
    unknown: tuple[str, ...]


class IdentifierTable:
    """Looks codes up where `find` knows them; `names` of machines are subjects, not codes."""

    def __init__(self, find: FindCode, names: Iterable[str]) -> None:
        self._find = find
        self._names = frozenset(normalise(name) for name in names)

    def look_up(self, question: str, is_allowed: Callable[[int], bool]) -> Lookup:
        """The codes of a question among the allowed chunks."""
        found: dict[str, tuple[int, ...]] = {}
        defining: set[int] = set()
        unknown: list[str] = []
        for asked in asked_codes(question):
            if asked.code in self._names or asked.code in found or asked.spelled in unknown:
                continue
            holders = [(p, d) for p, d in self._meant(asked) if is_allowed(p)]
            defines = [p for p, defines in holders if defines]
            if is_designation(asked.spelled) and not defines:
                continue
            if holders:
                mentions = [p for p, defines in holders if not defines]
                found[asked.code] = (*defines, *mentions)
                defining.update(defines)
            elif asked.certain:
                unknown.append(asked.spelled)
        return Lookup(found, frozenset(defining), tuple(unknown))

    def holders(self, code: str) -> tuple[int, ...]:
        """All chunks that hold a code, whatever the filter."""
        return tuple(position for position, _ in self._find(normalise(code), False))

    def _meant(self, asked: AskedCode) -> list[tuple[int, bool]]:
        """Holders of the code that can be meant: "fault 1203" is F1203, never F120."""
        if not asked.number_only:
            return self._find(asked.code, False)
        found = self._find(asked.code, True)
        return found if any(defines for _, defines in found) else []
