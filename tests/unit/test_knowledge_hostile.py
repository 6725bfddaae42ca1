"""Whatever lies in the folder of manuals: each file is taken in or left out with its reason."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from hostile_files import crafted, mutants, odd_entries, pdf, swelling_pdf

from copilot_knowledge.document import UnreadableDocument
from copilot_knowledge.library import Library
from copilot_knowledge.parse_pdf import parse_pdf
from copilot_knowledge.pdf_content import read_content
from copilot_knowledge.pdf_process import PdfProcess
from copilot_knowledge.shelf import Shelved
from copilot_knowledge.untrusted import neutralise

GOOD = """---
document: GOOD-1
revision: "A"
title: Good manual
---
# 1 Safety

Wear gloves at the shredder.

# 2 Knives

1. Tighten the knife bolts of the shredder with 310 N.m.
"""
QUESTION = "tighten the knife bolts of the shredder"
EACH = 45


@dataclass(frozen=True, slots=True)
class Taken:
    """What a folder of hostile files came to."""

    library: Library
    shelved: Shelved
    names: frozenset[str]
    before: tuple[str, ...]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    folder = tmp_path_factory.mktemp("works") / "manuals"
    folder.mkdir()
    (folder / "good.md").write_text(GOOD, encoding="utf-8")
    library = Library.open(folder, folder.parent / "library.db")
    before = quotes(library)
    names = {"good.md"}
    for name, content in (*mutants(seed=5, each=EACH), *crafted().items()):
        (folder / name).write_bytes(content)
        names.add(name)
    names.update(odd_entries(folder))
    return Taken(library, library.refresh(), frozenset(names), before)


def quotes(library: Library) -> tuple[str, ...]:
    answer = library.search(QUESTION, documents=["GOOD-1"])
    assert answer.strength == "strong"
    assert all(library.is_verbatim(passage) for passage in answer.passages)
    return tuple(passage.text for passage in answer.passages)


def test_every_file_is_taken_in_or_left_out_with_its_reason(taken: Taken) -> None:
    held = {manual.file for manual in (*taken.library.documents, *taken.library.superseded)}
    left_out = taken.shelved.left_out
    assert len(taken.names) >= 300
    assert taken.names == held | set(left_out)
    assert not held & set(left_out)
    assert all(why.strip() and "\n" not in why and len(why) < 400 for why in left_out.values())
    notices = "\n".join(taken.library.notices)
    assert not [name for name in left_out if f"{name} left out" not in notices]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("locked.pdf", "password"),
        ("zip-bomb.docx", "unpacks to 3000 MB"),
        ("markup-bomb.docx", "unpacks to 90 MB"),
        ("span.docx", "more than 100 columns"),
        ("pages.docx", "pages; at most"),
        ("bomb.yaml", "nested too deeply"),
        ("circle.yaml", "recursive"),
        ("deep-brackets.md", "too many brackets"),
        ("many-rows.csv", "at most 50,000"),
        ("long-head.csv", "heads"),
        ("long-head.md", "with all headings"),
        ("letters.pdf", "a page of 240,"),
        ("utf16.md", "not UTF-8"),
        ("latin1.html", "not UTF-8"),
        ("badname.md", "not UTF-8"),
        ("nul.html", "NUL"),
        ("pipe.csv", "no regular file"),
        ("nowhere.pdf", "cannot be opened"),
        ("circle.md", "cannot be opened"),
        ("side.md", "side-car side.md.toml"),
    ],
)
def test_the_reason_says_what_is_wrong(taken: Taken, name: str, why: str) -> None:
    assert why in taken.shelved.left_out[name]


def test_the_manuals_that_were_there_before_still_answer(taken: Taken) -> None:
    assert quotes(taken.library) == taken.before


def test_nothing_is_run_fetched_or_let_through(taken: Taken) -> None:
    folder = taken.library
    assert not Path("harm").exists()
    for manual in folder.documents:
        pages = [folder.page(manual, number) for number in range(1, manual.page_count + 1)]
        text = "\n".join(page.text for page in pages if page)
        assert "root:x:" not in text
        assert text == neutralise(text)


def test_doing_it_again_reads_nothing_again(taken: Taken) -> None:
    again = taken.library.refresh()
    assert (again.added, again.removed) == ((), 0)
    assert again.left_out == taken.shelved.left_out


def test_a_thousand_pages_are_read(tmp_path: Path) -> None:
    file = tmp_path / "thousand.pdf"
    file.write_bytes(pdf(pages=1000))
    document, _ = parse_pdf(file)
    assert len(document.pages) == 1000
    assert "Open drain 777 and" in document.pages[776].text


def test_more_pages_than_a_manual_has_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "endless.pdf"
    file.write_bytes(pdf(pages=3001))
    with pytest.raises(UnreadableDocument, match="3001 pages; at most 3000"):
        parse_pdf(file)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the memory of a process")
def test_a_file_that_takes_all_memory_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(swelling_pdf())
    (tmp_path / "b.pdf").write_bytes(pdf())
    library = Library.open(tmp_path)
    assert [manual.file for manual in library.documents] == ["b.pdf"]
    assert any("a.pdf left out: reading it takes more" in notice for notice in library.notices)


def test_a_reader_that_has_ended_is_started_again(tmp_path: Path) -> None:
    file = tmp_path / "small.pdf"
    file.write_bytes(pdf())
    with PdfProcess() as pdfs:
        first = pdfs.read(file)
        pdfs.close()
        assert pdfs.read(file) == first == read_content(file)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_program_that_is_stopped_blames_no_file(tmp_path: Path) -> None:
    file = tmp_path / "small.pdf"
    file.write_bytes(pdf())
    others = set(psutil.Process().children())
    with PdfProcess() as pdfs:
        first = pdfs.read(file)
        (reader,) = set(psutil.Process().children()) - others
        assert os.getpgid(reader.pid) != os.getpgid(0)
        reader.terminate()
        assert pdfs.read(file) == first
        assert reader.is_running()
    assert not reader.is_running()
