"""Takes a folder of manuals in, in a process of its own that may be killed at any moment.

Prints "open", then a line of progress for each step that is done and safe; "busy ..." and exit
code 3 when another process is at it. Arguments: the folder and the database.
"""

import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from copilot_knowledge.database import WIDTH
from copilot_knowledge.holdings import Holdings
from copilot_knowledge.shelf import Busy


class WordHashes:
    """An encoder that needs no weights: each word points somewhere, a text to their sum."""

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[float], None] | None = None
    ) -> NDArray[np.float32]:
        """One vector of unit length a text."""
        vectors = np.array([self._vector(text) for text in texts], np.float32)
        if on_progress:
            on_progress(1.0)
        return vectors

    def _vector(self, text: str) -> NDArray[np.float64]:
        summed = np.full(WIDTH, 1e-6)
        for word in text.lower().split():
            seed = int.from_bytes(sha256(word.encode()).digest()[:4], "little")
            summed += np.random.default_rng(seed).normal(size=WIDTH)
        return summed / np.linalg.norm(summed)


def main(folder: Path, store: Path) -> int:
    """Take everything in, make the vectors and the index."""
    holdings = Holdings(folder, store, WordHashes())
    print("open", flush=True)
    try:
        holdings.refresh(_tell, patience_s=0)
    except Busy as busy:
        print(f"busy {busy}", flush=True)
        return 3
    holdings.prepare(_tell)
    holdings.close()
    return 0


def _tell(step: str, share: float) -> None:
    print(f"{step}: {share:.6f}", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
