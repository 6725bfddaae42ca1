"""BM25 over chunks, and how much of a question a chunk covers."""

import math
from collections import Counter
from collections.abc import Sequence
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

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        # bm25s pulls in SciPy: 0.3 s that only a search has to pay.
        import bm25s

        self._size = len(texts)
        self._frequency = Counter(term for terms in texts for term in set(terms))
        self._bm25: Any = None
        if self._frequency:
            self._bm25 = bm25s.BM25(method="lucene", k1=_K1, b=_B)
            self._bm25.index([list(terms) for terms in texts], show_progress=False)

    def scores(self, words: Sequence[Word], allowed: Mask) -> Scores:
        """BM25 score of each text; 0 where it is not allowed or shares no term."""
        terms = list({term: None for word in words for term in word.terms()})
        known = [term for term in terms if term in self._frequency]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        scores: Scores = self._bm25.get_scores(known, weight_mask=allowed.astype(np.float32))
        return scores

    def coverage(self, words: Sequence[Word], terms: frozenset[str]) -> float:
        """Share of the question's weight (IDF) that a text with these terms holds, 0..1."""
        weights = {word: self._weight(word) for word in words}
        held = sum(weight for word, weight in weights.items() if word.within(terms))
        return held / sum(weights.values()) if weights else 0.0

    def _weight(self, word: Word) -> float:
        """IDF of the word in its most frequent spelling; a word never seen weighs most."""
        frequency = max(self._frequency[term] for term in (word.whole, word.joined))
        if not frequency and word.parts:
            frequency = min(self._frequency[part] for part in word.parts)
        return math.log(1 + (self._size - frequency + 0.5) / (frequency + 0.5))
