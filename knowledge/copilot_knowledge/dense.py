"""Cosines of stored vectors with a question's: exact, or by way of a nearest-neighbour index.

The vectors lie in a file that is read as needed. chromadb is asked only among very many vectors
and without a filter: among fewer, or few that are allowed, comparing them all costs less time and
far less memory, and misses none.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from copilot_knowledge.lexical import Mask
from copilot_knowledge.ranking import Scores

SCANNED = 250_000  # so many vectors at most are compared one by one where there is a choice
# BLAS parts the product of a larger block among threads: twenty times slower where cores are busy.
BLOCK = 1_024
NEAREST = 200

Vector = NDArray[np.float32]
Positions = NDArray[np.int64] | slice


@dataclass(frozen=True, slots=True)
class CompactVectors:
    """Vectors of unit length in a byte a number: half the size of half floats, and read quicker.

    A vector is its row of `bytes` times its scale in `scales`; a row of zeros is none. Cosines are
    true to 0.002.
    """

    bytes: NDArray[np.int8]
    scales: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float16]) -> "CompactVectors":
        """The same vectors, compact."""
        exact = vectors.astype(np.float32)
        largest = np.abs(exact).max(axis=1, keepdims=True, initial=0.0)
        rounded = np.rint(exact * (127 / np.where(largest > 0, largest, 1)))
        lengths = np.linalg.norm(rounded, axis=1)
        scales = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return cls(rounded.astype(np.int8), scales)

    @classmethod
    def joined(cls, parts: "list[CompactVectors]") -> "CompactVectors":
        """All vectors of some parts, in their order."""
        return cls(
            np.concatenate([part.bytes for part in parts]),
            np.concatenate([part.scales for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.scales)

    def floats(self, positions: Positions) -> NDArray[np.float32]:
        """The vectors at some positions as they were, but for rounding."""
        return self.bytes[positions] * self.scales[positions, np.newaxis]

    def cosines(self, vector: Vector, positions: Positions) -> Scores:
        """The cosines of the vectors at some positions."""
        scores: Scores = self.bytes[positions].astype(np.float32) @ vector
        return scores * self.scales[positions]


class Neighbours(Protocol):
    """An index of all vectors by position."""

    def nearest(self, vector: Vector, count: int) -> list[int] | None:
        """Positions of about the nearest `count` vectors; None once it is closed."""


class VectorIndex:
    """The vectors of all chunks by position; a row of zeros where a chunk has none."""

    def __init__(
        self, vectors: CompactVectors, neighbours: Neighbours | None = None, scanned: int = SCANNED
    ) -> None:
        self._vectors = vectors
        self._neighbours = neighbours
        self._scanned = scanned

    def cosines(self, vector: Vector, allowed: Mask, wanted: list[int]) -> Scores:
        """The cosine of each allowed chunk; among many, of the nearest ones and those `wanted`."""
        cosines = np.zeros(len(self._vectors), np.float32)
        positions = np.flatnonzero(allowed)
        if self._neighbours is not None and len(positions) == len(allowed) > self._scanned:
            near = self._neighbours.nearest(vector, NEAREST)
            if near is not None:
                positions = np.unique(np.array([*near, *wanted], dtype=np.int64))
        for start in range(0, len(positions), BLOCK):
            some = _run(positions[start : start + BLOCK])
            cosines[some] = self._vectors.cosines(vector, some)
        return cosines


def _run(positions: NDArray[np.int64]) -> Positions:
    """Positions that follow each other as a slice: it is read without a copy."""
    begin, end = int(positions[0]), int(positions[-1]) + 1
    return slice(begin, end) if end - begin == len(positions) else positions
