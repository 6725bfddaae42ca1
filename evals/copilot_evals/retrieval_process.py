"""Opens a library of many chunks in a new process, asks it, and prints how long that took."""

import sys
import time
from pathlib import Path

import psutil

from copilot_evals.retrieval_sets import read_cases
from copilot_knowledge.embedding.encoder import Encoder
from copilot_knowledge.holdings import Holdings
from copilot_knowledge.library import Library

FILTER = 20  # manuals, as many as an asset may have


def main(store: Path) -> None:
    """Print seconds to open, p50 and p95 filtered, p50 and p95 of all (ms), and RSS (MB)."""
    encoder = Encoder.open()
    encoder.encode(["warm"])
    begun = time.perf_counter()
    holdings = Holdings(store.parent / "nothing", store, encoder)
    holdings.prepare()
    opened = time.perf_counter() - begun
    library = Library(holdings)
    few = tuple(manual.id for manual in library.documents[:FILTER])
    queries = [case.query for case in read_cases()]
    filtered, every = (_times(library, queries, chosen) for chosen in (few, ()))
    rss = psutil.Process().memory_info().rss / 1e6
    print(opened, *filtered, *every, rss)


def _times(library: Library, queries: list[str], documents: tuple[str, ...]) -> tuple[float, float]:
    times = []
    for query in queries:
        begun = time.perf_counter()
        library.search(query, documents=documents)
        times.append(1000 * (time.perf_counter() - begun))
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
