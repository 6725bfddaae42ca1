"""Question sets for retrieval: our own over the demo's manuals, and any in E-Manual form.

E-Manual form is a folder with `sections*.jsonl` (objects with id, title, text) and
`*questions*.csv` (columns question and section_path); gold is the section whose title ends the
path.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot_knowledge.document import Block, Document, Page

CASES = Path(__file__).parent / "cases" / "manuals.jsonl"
MOST_WORDS = 120


class NotASet(Exception):
    """The folder holds no question set; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the pages of the set's one document on which its gold sections stand."""

    text: str
    gold: frozenset[int]


@dataclass(frozen=True, slots=True)
class Case:
    """A question to the demo's manuals; `kind` is answerable, code, unanswerable or unknown code.

    `gold` are (document, section number) pairs that answer it.
    """

    id: str
    kind: str
    query: str
    asset: str
    gold: frozenset[tuple[str, str]]
    answer: str

    @property
    def answerable(self) -> bool:
        """Whether the manuals hold an answer."""
        return self.kind in ("answerable", "code")


def read_cases(file: Path = CASES) -> list[Case]:
    """Our own cases."""
    return [_case(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def read_emanual(folder: Path) -> tuple[Document, tuple[Block, ...], list[Question]]:
    """A set in E-Manual form: one document with a section a page, its blocks, its questions.

    Raises NotASet.
    """
    sections = [
        json.loads(line)
        for file in sorted(folder.glob("sections*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    files = sorted(folder.glob("*questions*.csv"))
    if not sections or not files:
        raise NotASet(f"{folder} needs sections*.jsonl and *questions*.csv")
    blocks = tuple(block for page, one in enumerate(sections, 1) for block in _blocks(one, page))
    pages = tuple(Page(number, one["text"]) for number, one in enumerate(sections, 1))
    document = Document(
        folder.name, folder.name, "", None, (), (), (), "en", "", folder.name, pages, ()
    )
    titles: dict[str, set[int]] = {}
    for page, one in enumerate(sections, 1):
        titles.setdefault(_fold(one["title"]), set()).add(page)
    questions = [
        Question(row["question"], frozenset(titles[title]))
        for file in files
        for row in csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())
        if (title := _fold(row["section_path"].rsplit(">", 1)[-1])) in titles
    ]
    return document, blocks, questions


def _blocks(section: dict[str, Any], page: int) -> Iterator[Block]:
    """The heading and the text of a section; the text in pieces that a chunk can hold."""
    title, text = section["title"], section["text"].removeprefix(section["title"]).strip()
    yield Block("heading", title, page, 1)
    words = text.split()
    for start in range(0, max(len(words), 1), MOST_WORDS):
        yield Block("paragraph", " ".join(words[start : start + MOST_WORDS]) or title, page)


def _case(given: dict[str, Any]) -> Case:
    gold = {(given.get("document", ""), str(given.get("section", "")))}
    for place in given.get("also", ()):
        document, _, section = place.partition(" ")
        gold.add((document, section))
    return Case(
        id=given["id"],
        kind=given["kind"],
        query=given["query"],
        asset=given.get("asset") or "",
        gold=frozenset(gold),
        answer=str(given.get("answer", "")),
    )


def _fold(title: str) -> str:
    return " ".join(title.split()).casefold()
