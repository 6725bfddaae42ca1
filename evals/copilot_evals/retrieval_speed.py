"""Speed and memory of the library at 10,000 and 100,000 chunks, made of the demo's manuals."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from copilot.demo import manuals
from copilot_evals.report import print_table
from copilot_knowledge.chunk import Chunk
from copilot_knowledge.database import Database
from copilot_knowledge.embedding.encoder import Encoder, Vectors
from copilot_knowledge.index import open_index
from copilot_knowledge.rows import Parsed
from copilot_knowledge.shelf import read

SIZES = (10_000, 100_000)
A_MANUAL = 500
NOISE = 0.02


def measure_speed(encoder: Encoder) -> dict[str, dict[str, float]]:
    """Print the table; figures by size: seconds, milliseconds, megabytes."""
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        manuals.render(folder / "manuals", lambda _: None)
        parsed = [read(file) for file in sorted((folder / "manuals").rglob("*.pdf"))]
        texts = [f"{' > '.join(c.path)}\n{c.text}" for one in parsed for c in one.chunks]
        begun = time.perf_counter()
        vectors = encoder.encode(texts)
        per_s = len(texts) / (time.perf_counter() - begun)
        for size in SIZES:
            store = folder / f"{size}.db"
            _fill(store, parsed, vectors, size)
            begun = time.perf_counter()
            database = Database(store)
            numbers = [manual.number for manual in database.manuals()]
            open_index(database, numbers, store.with_suffix(".index")).close()
            rebuilt = time.perf_counter() - begun
            database.close()
            figures[f"{size // 1000}k"] = {
                "encode_per_s": per_s,
                "rebuild_s": rebuilt,
                **_ask_in_new_process(store),
            }
    names = list(next(iter(figures.values())))
    rows = [[size, *(f"{one[name]:.1f}" for name in names)] for size, one in figures.items()]
    print_table("speed and memory", ("chunks", *names), rows)
    return figures


def _fill(store: Path, parsed: list[Parsed], vectors: Vectors, size: int) -> None:
    """A library of `size` chunks: the same passages again and again, each with a number of its own
    and a vector near the first one's.
    """
    random = np.random.default_rng(1)
    pieces = list(_pieces(parsed))
    database = Database(store)
    for start in range(0, size, A_MANUAL):
        some = [pieces[place % len(pieces)] for place in range(start, start + A_MANUAL)]
        chunks = tuple(
            replace(chunk, text=f"{chunk.text} N{start + place}")
            for place, (_, chunk, _) in enumerate(some)
        )
        terms = tuple((*terms, f"n{start + place}") for place, (_, _, terms) in enumerate(some))
        document = replace(parsed[0].document, id=f"M-{start}", pages=(), file=f"{start}.pdf")
        number = database.add(str(start), Parsed(document, chunks, terms, tuple(range(A_MANUAL))))
        near = vectors[[row for row, _, _ in some]] + random.normal(0, NOISE, (A_MANUAL, 384))
        near /= np.linalg.norm(near, axis=1, keepdims=True)
        database.set_vectors(number, near.astype(np.float16))
    database.close()


def _pieces(parsed: list[Parsed]) -> Iterator[tuple[int, Chunk, tuple[str, ...]]]:
    rows = (
        (chunk, terms) for one in parsed for chunk, terms in zip(one.chunks, one.terms, strict=True)
    )
    for row, (chunk, terms) in enumerate(rows):
        yield row, chunk, terms


def _ask_in_new_process(store: Path) -> dict[str, float]:
    """Seconds to open, milliseconds a query with and without a filter, and memory, from outside."""
    command = [sys.executable, "-m", "copilot_evals.retrieval_process", str(store)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    names = ("open_s", "filtered_p50_ms", "filtered_p95_ms", "all_p50_ms", "all_p95_ms", "rss_mb")
    return dict(zip(names, map(float, done.stdout.split()[-len(names) :]), strict=True))
