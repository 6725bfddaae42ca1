"""Ranks and abstentions of each method, and the figures that are made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from copilot_evals.retrieval_sets import Question
from copilot_knowledge.embedding.encoder import Encoder
from copilot_knowledge.index import SearchIndex
from copilot_knowledge.ranking import Scores, fuse
from copilot_knowledge.tokenise import tokenise

METHODS = ("bm25", "dense", "fused")


@dataclass(slots=True)
class Tally:
    """What a method came to: rank of the first right answer (0 = none), and what it refused.

    `pages` counts quotes by whether their words stand on the page they cite.
    """

    ranks: list[int] = field(default_factory=list)
    refused_right: int = 0
    refused_wrong: int = 0
    unanswerable: int = 0
    pages: list[bool] = field(default_factory=list)

    def figures(self) -> dict[str, float | None]:
        """The figures by their names; None where the set does not ask for one."""
        ranks = np.array(self.ranks)
        refused = self.refused_right + self.refused_wrong
        return {
            **{f"r{n}": float(np.mean((ranks > 0) & (ranks <= n))) for n in (1, 5, 10)},
            "mrr": float(np.mean([1 / rank if 0 < rank <= 10 else 0.0 for rank in ranks])),
            "page": float(np.mean(self.pages)) if self.pages else None,
            "abstain_p": self.refused_right / refused if refused else None,
            "abstain_r": self.refused_right / self.unanswerable if self.unanswerable else None,
        }


def rank_pages(
    index: SearchIndex, pages: Sequence[int], questions: Sequence[Question], encoder: Encoder
) -> dict[str, Tally]:
    """How each method ranks the gold page of each question; `pages` is the page of each chunk."""
    tallies = {method: Tally() for method in METHODS}
    everywhere = np.ones(len(index.chunks), np.bool_)
    vectors = encoder.encode([question.text for question in questions])
    assert index.vectors is not None
    for question, vector in zip(questions, vectors, strict=True):
        words = index.lexical.scores(tokenise(question.text), everywhere)
        meaning = index.vectors.cosines(vector, everywhere, [])
        scores = {"bm25": words, "dense": meaning, "fused": fuse(words, meaning)}
        for method, tally in tallies.items():
            tally.ranks.append(_rank(scores[method], pages, question.gold))
    return tallies


def _rank(scores: Scores, pages: Sequence[int], gold: frozenset[int]) -> int:
    """The rank of the first gold page, a page standing where its best chunk does."""
    best: dict[int, float] = {}
    for page, score in zip(pages, scores.tolist(), strict=True):
        best[page] = max(best.get(page, float("-inf")), score)
    order = sorted(best, key=lambda page: (-best[page], page))
    return next((rank for rank, page in enumerate(order, 1) if page in gold), 0)
