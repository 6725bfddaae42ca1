"""The index is made from the database, swapped in whole, and made anew when it is damaged."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import ask_index
import numpy as np
import pytest
from numpy.typing import NDArray

from copilot_knowledge.chunk import Chunk
from copilot_knowledge.database import WIDTH, Database
from copilot_knowledge.dense import CompactVectors, VectorIndex
from copilot_knowledge.document import Document, Page
from copilot_knowledge.index import SearchIndex, open_index
from copilot_knowledge.neighbours import build_neighbours, open_neighbours
from copilot_knowledge.ranking import first
from copilot_knowledge.shelf import parsed_of
from copilot_knowledge.tokenise import tokenise

A_MANUAL = 400
DOCUMENT = Document("M", "Manual", "", None, (), (), (), "en", "", "m.md", (Page(1, ""),), ())
WORDS = ("pump", "valve", "seal", "bearing", "filter", "grease", "motor", "belt", "screw", "oil")


def unit_vectors(count: int, seed: int) -> NDArray[np.float16]:
    vectors = np.random.default_rng(seed).normal(size=(count, WIDTH))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def compact(count: int, seed: int) -> CompactVectors:
    return CompactVectors.of(unit_vectors(count, seed))


def add_manual(database: Database, seed: int) -> None:
    random = Random(seed)
    texts = [" ".join(random.choices(WORDS, k=12)) + f" N{seed}x{n}" for n in range(A_MANUAL)]
    chunks = tuple(Chunk((f"{seed} Section",), 1, text) for text in texts)
    number = database.add(str(seed), parsed_of(replace(DOCUMENT, id=f"M-{seed}"), chunks))
    database.set_vectors(number, unit_vectors(A_MANUAL, seed))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    database = Database(tmp_path / "library.db")
    for seed in range(3):
        add_manual(database, seed)
    database.close()
    return tmp_path / "library.db"


def opened(store: Path, scanned: int = 20_000) -> SearchIndex:
    database = Database(store)
    numbers = [manual.number for manual in database.manuals()]
    index = open_index(database, numbers, store.with_suffix(".index"), scanned=scanned)
    database.close()
    return index


def answers(index: SearchIndex) -> list[list[int]]:
    """The best chunks by words, and those by meaning."""
    every = np.ones(len(index.chunks), np.bool_)
    assert index.vectors is not None
    scores = [
        index.lexical.scores(tokenise("grease the bearing of the pump N1x7"), every),
        index.vectors.cosines(unit_vectors(1, 99)[0].astype(np.float32), every, []),
    ]
    return [index.chunks[first(each, 10)].tolist() for each in scores]


def generations(store: Path) -> list[Path]:
    return [entry for entry in store.with_suffix(".index").iterdir() if entry.is_dir()]


def test_on_disk_and_in_memory_it_answers_the_same(store: Path) -> None:
    database = Database(store)
    in_memory = open_index(database, [manual.number for manual in database.manuals()])
    assert answers(opened(store)) == answers(in_memory)
    database.close()


def test_it_is_made_once_and_read_again_after_that(store: Path) -> None:
    opened(store)
    (made,) = generations(store)
    opened(store)
    assert generations(store) == [made]


def test_a_new_manual_swaps_a_whole_new_index_in(store: Path) -> None:
    old = opened(store)
    before = answers(old)
    (old_folder,) = generations(store)
    database = Database(store)
    add_manual(database, 7)
    database.close()
    new = opened(store)
    (new_folder,) = generations(store)
    assert new_folder != old_folder
    assert (len(old.chunks), len(new.chunks)) == (1200, 1600)
    assert answers(old) == before  # who has it open reads on


def test_manuals_that_are_not_current_are_not_in_it(store: Path) -> None:
    database = Database(store)
    index = open_index(database, [2], store.with_suffix(".index"))
    assert set(index.manuals.tolist()) == {2}
    assert (index.position(401), index.position(400)) == (0, None)
    database.close()


def test_an_index_that_was_never_finished_is_not_used(store: Path) -> None:
    before = answers(opened(store))
    folder = store.with_suffix(".index")
    (folder / "ready.json").unlink()
    (folder / "half").mkdir()
    (folder / "half" / "chunks.npy").write_bytes(b"half a fi")
    assert answers(opened(store)) == before
    assert len(generations(store)) == 1


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) * 3 // 4] ^= 0x40
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink], ids=["cut", "flipped", "gone"])
@pytest.mark.parametrize("seed", range(4))
def test_damage_to_its_files_is_seen_and_mended(
    store: Path, damage: Callable[[Path], None], seed: int
) -> None:
    before = answers(opened(store))
    (made,) = generations(store)
    files = sorted(f for f in made.rglob("*") if f.is_file() and f.stat().st_size > 0)
    for file in Random(seed).sample(files, 1 + seed):
        damage(file)
    assert answers(opened(store)) == before
    assert generations(store) != [made]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"generation": 3}', b"\xff\xfe"])
def test_a_damaged_note_of_what_is_ready_is_no_obstacle(store: Path, content: bytes) -> None:
    before = answers(opened(store))
    (store.with_suffix(".index") / "ready.json").write_bytes(content)
    assert answers(opened(store)) == before


def test_a_deleted_index_is_made_anew(store: Path) -> None:
    before = answers(opened(store))
    shutil.rmtree(store.with_suffix(".index"))
    assert answers(opened(store)) == before


def test_a_library_without_a_single_word_can_be_opened_twice(tmp_path: Path) -> None:
    database = Database(tmp_path / "library.db")
    database.add("none", parsed_of(DOCUMENT, (Chunk((), 1, "- | -"),)))
    for _ in range(2):
        index = open_index(database, [1], tmp_path / "index")
        assert not index.lexical.scores(tokenise("pump"), np.ones(1, np.bool_)).any()
    database.close()


@pytest.mark.parametrize("share", [1.0, 0.3], ids=["all", "filtered"])
def test_compact_vectors_keep_their_cosines(share: float) -> None:
    matrix, asked = unit_vectors(3000, 1), unit_vectors(1, 2)[0].astype(np.float32)
    matrix[7] = 0  # has no vector yet
    allowed = np.random.default_rng(3).random(len(matrix)) < share
    cosines = VectorIndex(CompactVectors.of(matrix)).cosines(asked, allowed, [])
    assert not cosines[7]
    assert not cosines[~allowed].any()
    assert np.allclose(cosines, np.where(allowed, matrix.astype(np.float32) @ asked, 0), atol=0.002)


def test_among_many_vectors_the_nearest_are_found(tmp_path: Path) -> None:
    matrix, asked = unit_vectors(2000, 1), unit_vectors(50, 2).astype(np.float32)
    vectors = CompactVectors.of(matrix)
    build_neighbours(tmp_path / "made", vectors)
    neighbours = open_neighbours(tmp_path / "made", vectors)
    assert neighbours is not None
    found = 0
    for vector in asked:
        exact = np.argsort(-(matrix.astype(np.float32) @ vector))[:10]
        found += len(set(exact.tolist()) & set(neighbours.nearest(vector, 200) or []))
    assert found >= 0.97 * 10 * len(asked)
    neighbours.close()
    assert neighbours.nearest(asked[0], 5) is None


def test_it_is_used_by_one_process_and_the_others_compare_one_by_one(store: Path) -> None:
    index = opened(store, scanned=200)
    assert index.neighbours is not None
    exact = ask_index.nearest(store, store.with_suffix(".exact"), 20_000)
    assert exact[0] is False
    assert _ask(store, 200) == [False, exact[1]]
    index.close()
    assert _ask(store, 200) == [True, exact[1]]


@pytest.mark.parametrize(
    "lines",
    [
        "CHROMA_SERVER_HTTP_PORT=no number",
        "ALLOW_RESET=true\nIS_PERSISTENT=false\nPERSIST_DIRECTORY=elsewhere\n"
        "CHROMA_API_IMPL=chromadb.api.fastapi.FastAPI\nCHROMA_SERVER_HOST=127.0.0.1\n"
        "CHROMA_OTEL_COLLECTION_ENDPOINT=http://127.0.0.1:9\nANONYMIZED_TELEMETRY=true",
    ],
    ids=["breaks", "redirects"],
)
def test_a_hostile_env_file_changes_nothing(store: Path, tmp_path: Path, lines: str) -> None:
    exact = ask_index.nearest(store, store.with_suffix(".exact"), 20_000)
    place = tmp_path / "place"
    place.mkdir()
    (place / ".env").write_text(lines, encoding="utf-8")
    assert _ask(store, 200, place)[1] == exact[1]
    assert [entry.name for entry in place.iterdir()] == [".env"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "chroma.sqlite3").write_bytes(b""),
        lambda folder: _cut(folder / "chroma.sqlite3"),
        lambda folder: next(folder.rglob("header.bin")).write_bytes(b"x" * 100),
        lambda folder: next(folder.rglob("link_lists.bin")).unlink(),
        shutil.rmtree,
    ],
    ids=["empty", "cut", "header", "links", "gone"],
)
def test_a_damaged_one_is_not_used_and_not_kept(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    vectors = compact(1200, 4)
    folder = tmp_path / "made"
    build_neighbours(folder, vectors)
    damage(folder)
    assert open_neighbours(folder, vectors) is None
    assert open_neighbours(folder, vectors) is None  # nobody holds the lock


def test_the_vectors_of_another_library_are_not_used(tmp_path: Path) -> None:
    build_neighbours(tmp_path / "made", compact(1200, 5))
    assert open_neighbours(tmp_path / "made", compact(1200, 6)) is None
    assert open_neighbours(tmp_path / "made", compact(1300, 5)) is None


def _ask(store: Path, scanned: int, place: Path | None = None) -> list[object]:
    command = [sys.executable, ask_index.__file__, store, store.with_suffix(".index")]
    done = subprocess.run(
        [*map(str, command), str(scanned)],
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer
