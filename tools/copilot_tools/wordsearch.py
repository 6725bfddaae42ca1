"""Searches records by loosely written words; what does not match is never passed off as a match.

Every word of a query must describe the record: by its own texts, or all remaining words together by
one of its contexts (a machine it fits, its supplier). Misspelt words are mended, numbers never.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rapidfuzz import fuzz, process, utils
from rapidfuzz.distance import DamerauLevenshtein

from copilot_tools.site.names import split_words

T = TypeVar("T")

_EMPTY = frozenset(
    ("spare", "part", "stock", "any", "some", "for", "of", "the", "to", "new", "piece")
)


@dataclass(frozen=True, slots=True)
class Described(Generic[T]):
    """A record with its key, the texts that are its own, and the contexts it belongs to."""

    record: T
    key: str
    texts: tuple[str, ...]
    contexts: tuple[tuple[str, ...], ...] = ()


class WordSearch(Generic[T]):
    """An index over a few thousand records, built per call."""

    def __init__(self, entries: Iterable[Described[T]]) -> None:
        self._entries = list(entries)
        self._own = [_words((entry.key, *entry.texts)) for entry in self._entries]
        self._contexts = [[_words(texts) for texts in e.contexts] for e in self._entries]
        vocabulary = set().union(*self._own, *(words for ctx in self._contexts for words in ctx))
        self._vocabulary = vocabulary
        self._mendable = sorted(word for word in vocabulary if len(word) > 3 and word.isalpha())

    def find(self, query: str) -> list[T]:
        """The records that all words of the query describe: those called exactly so, else the best.

        A query of empty words only ("spare parts") finds everything.
        """
        spoken = split_words(query)
        if not spoken:
            return []
        for names in (_keys, _names):
            if exact := [e.record for e in self._entries if spoken in map(split_words, names(e))]:
                return exact
        words = {self._mend(word) for word in spoken if word not in _EMPTY}
        scored = [
            (len(words & own), entry.record)
            for entry, own, contexts in zip(self._entries, self._own, self._contexts, strict=True)
            if _covered(words - own, contexts)
        ]
        best = max((score for score, _ in scored), default=0)
        return [record for score, record in scored if score == best]

    def near(self, query: str, limit: int = 4) -> list[T]:
        """Records that look a little like the query, to be offered when nothing matches."""
        texts = [" ".join((entry.key, *entry.texts)) for entry in self._entries]
        hits = process.extract(
            query,
            texts,
            scorer=fuzz.token_set_ratio,
            processor=utils.default_process,
            limit=limit,
            score_cutoff=55,
        )
        return [self._entries[index].record for _, _, index in hits]

    def _mend(self, word: str) -> str:
        if word in self._vocabulary or len(word) < 4 or not word.isalpha():
            return word
        edits = 1 if len(word) < 6 else 2
        near = process.extractOne(
            word, self._mendable, scorer=DamerauLevenshtein.distance, score_cutoff=edits
        )
        return str(near[0]) if near else word


def _keys(entry: Described[T]) -> tuple[str, ...]:
    return (entry.key,)


def _names(entry: Described[T]) -> tuple[str, ...]:
    return (*entry.texts, *(text for texts in entry.contexts for text in texts))


def _words(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for text in texts for word in split_words(text))


def _covered(rest: set[str], contexts: list[frozenset[str]]) -> bool:
    return not rest or any(rest <= context for context in contexts)
