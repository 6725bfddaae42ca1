"""BM25 over chunks, and how much of a question a chunk covers; kept on disk, read as needed."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copilot_knowledge.tokenise import Word

# Lucene's BM25 with little length normalisation: best of those measured on manuals.
_K1 = 0.9
_B = 0.4

Scores = NDArray[np.float32]
Mask = NDArray[np.bool_]


class LexicalIndex:
    """An immutable index over texts given as their terms; positions stand for the texts."""

    def __init__(self, bm25: Any, size: int) -> None:
        self._bm25 = bm25
        self._size = size
        self._vocabulary: dict[str, int] = bm25.vocab_dict if bm25 else {}
        self._starts = bm25.scores["indptr"] if bm25 else np.zeros(1, np.int64)

    @classmethod
    def build(cls, texts: Iterable[Sequence[str]]) -> "LexicalIndex":
        """Index texts by their terms."""
        # bm25s pulls in SciPy: 0.3 s that only a search has to pay.
        import bm25s

        ids, vocabulary = [], dict[str, int]()
        for terms in texts:
            ids.append([vocabulary.setdefault(term, len(vocabulary)) for term in terms])
        if not vocabulary:
            return cls(None, len(ids))
        bm25 = bm25s.BM25(method="lucene", k1=_K1, b=_B)
        bm25.index((ids, vocabulary), create_empty_token=False, show_progress=False)
        return cls(bm25, len(ids))

    def save(self, folder: Path) -> None:
        """Write the index into a folder."""
        if self._bm25:
            self._bm25.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path, size: int) -> "LexicalIndex":
        """The index of `size` texts from a folder; it is read from disk as it is used."""
        import bm25s

        if not folder.is_dir():
            return cls(None, size)
        bm25 = bm25s.BM25.load(folder, mmap=True)
        # Plain arrays over the same maps: a slice of them costs a tenth.
        for name in ("data", "indices", "indptr"):
            bm25.scores[name] = np.asarray(bm25.scores[name])
        return cls(bm25, size)

    def scores(self, words: Sequence[Word], allowed: Mask) -> Scores:
        """BM25 score of each text; 0 where it is not allowed or shares no term."""
        terms = dict.fromkeys(term for word in words for term in word.terms())
        known = [self._vocabulary[term] for term in terms if term in self._vocabulary]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        scores: Scores = self._bm25.get_scores_from_ids(
            known, weight_mask=allowed.astype(np.float32)
        )
        return scores

    def coverage(self, words: Sequence[Word], terms: frozenset[str]) -> float:
        """Share of the question's weight (IDF) that a text with these terms holds, 0..1."""
        weights = {word: self._weight(word) for word in words}
        held = sum(weight for word, weight in weights.items() if word.within(terms))
        return held / sum(weights.values()) if weights else 0.0

    def _weight(self, word: Word) -> float:
        """IDF of the word in its most frequent spelling; a word never seen weighs most."""
        frequency = max(self._frequency(term) for term in (word.whole, word.joined))
        if not frequency and word.parts:
            frequency = min(self._frequency(part) for part in word.parts)
        return math.log(1 + (self._size - frequency + 0.5) / (frequency + 0.5))

    def _frequency(self, term: str) -> int:
        """In how many texts a term stands."""
        place = self._vocabulary.get(term)
        return 0 if place is None else int(self._starts[place + 1] - self._starts[place])
