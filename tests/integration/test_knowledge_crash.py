"""Killed while it takes manuals in: what was acknowledged is there whole, the rest not at all."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import take_in

from copilot_knowledge.holdings import Holdings
from copilot_knowledge.library import Library
from copilot_knowledge.shelf import Busy, read

MANUALS = 90
READING = "Reading the manuals: "
QUESTIONS = ("oil of machine 7", "bolts of machine 33 torque", "F1041", "warning machine 80")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("works") / "manuals"
    folder.mkdir()
    for n in range(MANUALS):
        (folder / f"machine-{n:03d}.md").write_text(_manual(n), encoding="utf-8")
    return folder


def _manual(n: int) -> str:
    sections = "".join(
        f"\n# {s} Part {s}\n\n> WARNING: Part {s} of machine {n} is hot.\n\n"
        f"1. Fill {n + s} l of oil.\n2. Tighten the bolts of machine {n} with {10 * s + n} N.m.\n"
        for s in range(1, 5)
    )
    codes = f"\n# 5 Codes\n\n| Code | Meaning |\n|---|---|\n| F{1000 + n} | Machine {n} stands |\n"
    return f'---\ndocument: MA-{n}\nrevision: "A"\ntitle: Machine {n}\n---\n{sections}{codes}'


def started(folder: Path, store: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, take_in.__file__, str(folder), str(store)],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture
def process(folder: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = started(folder, tmp_path / "library.db")
    yield process
    process.kill()
    process.communicate()


def read_lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    assert process.stdout is not None
    return [line for _, line in zip(range(count), process.stdout, strict=False)]


def killed(folder: Path, store: Path, lines: int, wait_s: float) -> set[str]:
    """The files that the process acknowledged before it was killed."""
    process = started(folder, store)
    said = read_lines(process, lines)
    time.sleep(wait_s)
    process.send_signal(signal.SIGKILL)
    said += process.communicate()[0].splitlines()
    shares = [float(line.removeprefix(READING)) for line in said if line.startswith(READING)]
    names = sorted(file.name for file in folder.iterdir())
    return set(names[: round(max(shares, default=0.0) * len(names))])


def held(folder: Path, store: Path) -> set[str]:
    """The files that are held; fails where one is not held whole."""
    with sqlite3.connect(store) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not connection.execute("PRAGMA foreign_key_check").fetchall()
        manuals = connection.execute("SELECT number, file FROM manuals").fetchall()
        for number, file in manuals:
            _check_whole(connection, number, folder / file)
    connection.close()
    return {file for _, file in manuals}


def _check_whole(connection: sqlite3.Connection, number: int, file: Path) -> None:
    parsed = read(file)
    pages = connection.execute(
        "SELECT number, text FROM pages WHERE manual = ? ORDER BY number", (number,)
    ).fetchall()
    assert pages == [(page.number, page.text) for page in parsed.document.pages]
    chunks = connection.execute(
        "SELECT path, text FROM chunks WHERE manual = ? ORDER BY number", (number,)
    ).fetchall()
    assert chunks == [(json.dumps(piece.path), piece.text) for piece in parsed.chunks]
    codes = connection.execute(
        "SELECT COUNT(*) FROM codes JOIN chunks ON chunks.number = chunk WHERE manual = ? "
        "AND defines",
        (number,),
    ).fetchone()
    assert codes == (1,)
    for (vectors,) in connection.execute("SELECT content FROM vectors WHERE manual = ?", (number,)):
        assert len(vectors) == 2 * 384 * len(chunks)


def test_nothing_acknowledged_is_lost_and_nothing_is_there_by_half(
    folder: Path, tmp_path: Path
) -> None:
    store, random = tmp_path / "library.db", Random(8)
    acknowledged: set[str] = set()
    for _ in range(9):
        lines = random.randint(1, MANUALS)
        acknowledged |= killed(folder, store, lines, random.random() * 0.3)
        assert acknowledged <= held(folder, store)
    assert acknowledged
    library = Library.open(folder, store, take_in.WordHashes())
    assert len(held(folder, store)) == MANUALS
    fresh = Library.open(folder, None, take_in.WordHashes())
    for question in QUESTIONS:
        answer, wanted = library.search(question), fresh.search(question)
        assert [(p.reference, p.text) for p in answer.passages] == [
            (p.reference, p.text) for p in wanted.passages
        ]
        assert answer.strength == wanted.strength
    library.close()
    fresh.close()


def test_killed_while_it_makes_vectors_and_index(folder: Path, tmp_path: Path) -> None:
    store, random = tmp_path / "library.db", Random(9)
    for _ in range(4):
        killed(folder, store, MANUALS + random.randint(2, 2 * MANUALS), random.random() * 0.2)
        assert len(held(folder, store)) == MANUALS
    library = Library.open(folder, store, take_in.WordHashes())
    assert library.search("F1041").passages[0].document == "MA-41"
    generations = [entry for entry in store.with_suffix(".index").iterdir() if entry.is_dir()]
    assert len(generations) == 1
    library.close()


def test_a_second_writer_is_refused_in_one_clear_line(
    folder: Path, tmp_path: Path, process: "subprocess.Popen[str]"
) -> None:
    read_lines(process, 4)
    process.send_signal(signal.SIGSTOP)
    second = started(folder, tmp_path / "library.db")
    said = second.communicate()[0].splitlines()
    assert second.returncode == 3
    assert said[-1].startswith("busy another process is taking manuals in")
    here = Holdings(folder, tmp_path / "library.db", None)
    with pytest.raises(Busy, match="another process is taking manuals in"):
        here.refresh(patience_s=0)
    assert len(here.catalogue.current) >= 3  # what is held can be searched meanwhile
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
    here.refresh(patience_s=0)
    assert len(here.catalogue.current) == MANUALS
    here.close()
