"""Cosines of stored vectors with a question's: exact, or by way of a nearest-neighbour index.

The vectors lie in a file that is read as needed. chromadb is asked only among many vectors and
without a filter: among few, or few that are allowed, comparing them all is quicker and exact.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from copilot_knowledge.lexical import Mask
from copilot_knowledge.ranking import Scores

SCANNED = 20_000  # so many vectors at most are compared one by one where there is a choice
BLOCK = 8_192
NEAREST = 200

Matrix = NDArray[np.float16]
Vector = NDArray[np.float32]


class Neighbours(Protocol):
    """An index of all vectors by position."""

    def nearest(self, vector: Vector, count: int) -> list[int] | None:
        """Positions of about the nearest `count` vectors; None once it is closed."""


class VectorIndex:
    """The vectors of all chunks by position; a row of zeros where a chunk has none."""

    def __init__(
        self, matrix: Matrix, neighbours: Neighbours | None = None, scanned: int = SCANNED
    ) -> None:
        self._matrix = matrix
        self._neighbours = neighbours
        self._scanned = scanned

    def cosines(self, vector: Vector, allowed: Mask, wanted: list[int]) -> Scores:
        """The cosine of each allowed chunk; among many, of the nearest ones and those `wanted`."""
        cosines = np.zeros(len(self._matrix), np.float32)
        positions = np.flatnonzero(allowed)
        if self._neighbours is not None and len(positions) == len(allowed) > self._scanned:
            near = self._neighbours.nearest(vector, NEAREST)
            if near is not None:
                positions = np.unique(np.array([*near, *wanted], dtype=np.int64))
        for start in range(0, len(positions), BLOCK):
            some = positions[start : start + BLOCK]
            cosines[some] = self._matrix[some].astype(np.float32) @ vector
        return cosines
