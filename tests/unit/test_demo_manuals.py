"""The demo plant's manuals as PDF and Markdown, and what the library finds in them."""

import json
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path

import pypdfium2
import pytest

from copilot.demo.manuals import render
from copilot.demo.manuals.pdf import draw
from copilot_knowledge.document import Block, Manual
from copilot_knowledge.library import Library
from copilot_knowledge.metadata import split_front_matter
from copilot_knowledge.parse_markdown import parse_markdown
from copilot_knowledge.parse_pdf import parse_pdf

SOURCES = Path(str(resources.files("copilot.demo.manuals")))
CASES = Path(str(resources.files("copilot_evals"))) / "cases" / "manuals.jsonl"


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, told: list[str]) -> list[Path]:
    return render(tmp_path_factory.mktemp("manuals"), told.append)


@pytest.fixture(scope="module")
def library(files: list[Path]) -> Library:
    return Library.open(files[0].parent)


@pytest.fixture(scope="module")
def cases() -> list[dict[str, str]]:
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def test_eight_manuals_and_a_superseded_one_are_written(
    files: list[Path], told: list[str], library: Library
) -> None:
    assert told == [file.name for file in files]
    assert Counter(file.suffix for file in files) == {".pdf": 7, ".md": 2}
    assert len(library.documents) == 8
    assert [(d.id, d.revision) for d in library.superseded] == [("CN-MAN-04", "C")]


def test_together_they_have_the_pages_of_real_manuals(library: Library) -> None:
    assert sum(document.page_count for document in library.documents) >= 120
    assert not [document.blank_pages for document in library.documents if document.blank_pages]


def test_the_same_bytes_come_out_every_time(files: list[Path]) -> None:
    file = next(file for file in files if file.name == "corvus-dp-pump.pdf")
    source = (SOURCES / "corvus-dp-pump.md").read_text(encoding="utf-8")
    assert draw(*split_front_matter(source)) == file.read_bytes()


def test_every_pdf_says_what_its_source_says(files: list[Path]) -> None:
    for file in files:
        source = SOURCES / f"{file.stem}.md"
        if file.suffix != ".pdf" or not source.exists():
            continue
        printed = _texts(parse_pdf(file)[1])
        missing = _texts(parse_markdown(source)[1]) - printed
        assert not missing, file.name


def test_the_contents_name_the_true_pages(files: list[Path]) -> None:
    for file in (file for file in files if file.suffix == ".pdf"):
        document, blocks = parse_pdf(file)
        contents = [block.text for block in blocks if block.kind == "contents"]
        named = {line.split("..")[0].strip(): int(line.rsplit(".")[-1]) for line in contents}
        true = {s.heading: s.page for s in document.sections if s.number}
        assert len(named) > 20
        assert named == {heading: true[heading] for heading in named}


def test_the_outline_leads_to_the_sections(files: list[Path]) -> None:
    file = next(file for file in files if file.name == "corvus-cn-pump.pdf")
    document, _ = parse_pdf(file)
    with pypdfium2.PdfDocument(file) as pdf:
        marks = [(m.get_title(), m.get_dest().get_index() + 1) for m in pdf.get_toc()]
    assert marks == [(s.heading, s.page) for s in document.sections if s.number]


def test_the_superseded_revision_has_the_old_values(files: list[Path], library: Library) -> None:
    old, _ = parse_pdf(next(file for file in files if file.stem.endswith("rev-c")))
    assert "8 x M12 | A4-70 | 80" in "\n".join(page.text for page in old.pages)
    answer = library.search("casing screws M12 torque", documents=["CN-MAN-04"], limit=20)
    assert "8 x M12 | A4-70 | 70" in "\n".join(passage.text for passage in answer.passages)
    assert {passage.revision for passage in answer.passages} == {"D"}


def test_every_known_code_is_quoted_first_and_no_unknown_one_is(
    library: Library, cases: list[dict[str, str]]
) -> None:
    known = [case for case in cases if case["kind"] == "code"]
    unknown = [case for case in cases if case["kind"] == "unknown code"]
    assert len(known) >= 8
    assert len(unknown) >= 4
    for case in known:
        best = library.search(case["query"], documents=_documents(library, case)).passages[0]
        right = {f"{case['document']} {case['section']}", *case.get("also", ())}
        assert f"{best.document} {best.section.split()[0]}" in right, case["id"]
        assert case["answer"] in best.text
    for case in unknown:
        answer = library.search(case["query"], documents=_documents(library, case))
        assert answer.unknown_codes
        assert answer.strength == "none"


def test_the_answer_of_each_case_stands_in_its_section(
    library: Library, cases: list[dict[str, str]]
) -> None:
    for case in (case for case in cases if "answer" in case):
        document = next(d for d in library.documents if d.id == case["document"])
        place = _section_pages(library, document, case["section"])
        pages = [page.text for n in place if (page := library.page(document, n))]
        assert case["answer"].lower() in "\n".join(pages).lower(), case["id"]


def test_no_question_has_a_value_of_the_superseded_revision_for_its_answer(
    cases: list[dict[str, str]],
) -> None:
    patch = tomllib.loads((SOURCES / "superseded.toml").read_text(encoding="utf-8"))
    old = [change["old"] for change in patch["change"] if change["old"].strip()]
    assert not [
        c["id"]
        for c in cases
        if "answer" in c
        and any(c["answer"] in o for o in old)
        and not any(c["answer"] in change["new"] for change in patch["change"])
    ]


def test_the_cases_are_many_of_each_kind_and_never_twice(cases: list[dict[str, str]]) -> None:
    kinds = Counter(case["kind"] for case in cases)
    assert len(cases) >= 155
    assert set(kinds) == {"answerable", "code", "unknown code", "unanswerable"}
    assert min(kinds["code"], kinds["unanswerable"]) >= 25
    assert [case["id"] for case in cases] == [f"manual-{n:03d}" for n in range(1, len(cases) + 1)]
    assert len({case["query"].lower() for case in cases}) == len(cases)


def test_most_questions_find_their_section_and_every_quote_is_verbatim(
    library: Library, cases: list[dict[str, str]]
) -> None:
    asked = [case for case in cases if case["kind"] == "answerable"]
    found = 0
    for case in asked:
        answer = library.search(case["query"], documents=_documents(library, case))
        assert all(library.is_verbatim(passage) for passage in answer.passages)
        right = {f"{case['document']} {case['section']}", *case.get("also", ())}
        quoted = {f"{p.document} {p.section.split()[0]}" for p in answer.passages if p.section}
        found += bool(right & quoted)
    assert found >= 0.8 * len(asked)  # by words alone; the encoder finds more


def test_what_no_manual_covers_is_refused(library: Library, cases: list[dict[str, str]]) -> None:
    foreign = [case["query"] for case in cases if case["kind"] == "unanswerable"]
    refused = [query for query in foreign if library.search(query).strength == "none"]
    assert len(foreign) >= 10
    assert len(refused) >= 0.85 * len(foreign)


def _documents(library: Library, case: dict[str, str]) -> list[str]:
    return [d.id for d in library.documents if case.get("asset") in d.assets]


def _section_pages(library: Library, document: Manual, number: str) -> range:
    """The pages from that of a section's heading to that of the next one on its level or above."""
    sections = library.sections(document)
    start = next(i for i, section in enumerate(sections) if section.number == number)
    depth = len(sections[start].path)
    after = (s.page for s in sections[start + 1 :] if len(s.path) <= depth)
    return range(sections[start].page, next(after, document.page_count) + 1)


def _texts(blocks: tuple[Block, ...]) -> Counter[tuple[str, str]]:
    return Counter((block.kind, block.text) for block in blocks)
