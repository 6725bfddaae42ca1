"""How well chunks answer a question: words and meaning, put together on one scale.

Convex combination, not reciprocal ranks: it beat both rankers alone on every set measured
(Bruch, Gai, Ingber, arXiv 2210.11934); `copilot eval retrieval` prints all of them.
"""

import numpy as np
from numpy.typing import NDArray

# Share of the meaning in the score; the curve is flat between .3 and .5.
MEANING = 0.4

Scores = NDArray[np.float32]


def fuse(words: Scores, meaning: Scores | None) -> Scores:
    """One score a chunk from its BM25 score and its cosine; words alone where there is no cosine.

    Scores lie in 0..1 and say nothing absolute: the best by words has `1 - MEANING` from them.
    """
    best = float(words.max(initial=0.0))
    shares = words / best if best > 0 else words
    if meaning is None:
        return shares.astype(np.float32)
    fused = (1 - MEANING) * shares + MEANING * np.maximum(meaning, 0.0)
    return fused.astype(np.float32)


def first(scores: Scores, count: int) -> list[int]:
    """Positions of the best `count` positive scores, best first; equal ones in reading order."""
    count = min(count, len(scores))
    if count == 0:
        return []
    best = np.argpartition(-scores, count - 1)[:count]
    ordered = best[np.lexsort((best, -scores[best]))]
    return [int(position) for position in ordered if scores[position] > 0]
