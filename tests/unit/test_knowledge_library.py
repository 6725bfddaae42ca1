"""A folder of manuals: what is read, what is current, and what a search gives back."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot_knowledge.library import Library


def manual(document: str, revision: str, body: str, **fields: str) -> str:
    lines = [f"document: {document}", f'revision: "{revision}"', f"title: Manual {document}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---", body])


PUMP = """
# 1 Safety

Wear gloves.

# 2 Seal

## 2.1 Replacing the shaft seal

1. Drain the casing through the lower plug.
2. Pull the old shaft seal with the puller.

> WARNING: The spring is under load.

3. Press the new shaft seal in and tighten the screws with 18 N.m.

# 3 Faults

**Table 3-1 Fault codes**

| Code | Meaning | Remedy |
|---|---|---|
| F101 | Bearing hot | Check the grease |
| F102 | Seal wet | Replace the shaft seal |
"""
COMPRESSOR = """
# 1 Oil

Change the oil every 4000 hours and use 20 litres.

# 2 Codes

| Code | Meaning |
|---|---|
| F101 | Element hot |
| F555 | Belt torn |
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "manuals"
    folder.mkdir()
    (folder / "pump.md").write_text(manual("PU-1", "B", PUMP, kinds="pump"), encoding="utf-8")
    (folder / "air.md").write_text(
        manual("CO-1", "A", COMPRESSOR, kinds="compressor"), encoding="utf-8"
    )
    return folder


@pytest.fixture
def library(folder: Path) -> Library:
    return Library.open(folder)


def test_a_procedure_is_quoted_whole_with_its_place(library: Library) -> None:
    answer = library.search("how do I replace the shaft seal")
    best = answer.passages[0]
    assert answer.strength == "strong"
    assert best.reference == "PU-1 rev. B, page 2, section 2.1 Replacing the shaft seal"
    assert best.text.startswith("1. Drain the casing")
    assert "WARNING: The spring is under load.\n3. Press" in best.text
    assert answer.searched == ("CO-1 rev. A", "PU-1 rev. B")


def test_every_quote_is_verbatim_and_another_is_not(library: Library) -> None:
    for question in ("shaft seal screws", "oil change hours", "F102"):
        for passage in library.search(question).passages:
            assert library.is_verbatim(passage)
    passage = library.search("shaft seal screws").passages[0]
    forged = type(passage)(
        *(passage.document, passage.title, passage.revision, passage.page, passage.section),
        *(passage.text.replace("18 N.m", "80 N.m"), passage.score),
    )
    assert not library.is_verbatim(forged)


def test_filters_apply_before_ranking(library: Library) -> None:
    by_kind = library.search("change the oil", kinds=["pump"], limit=50)
    assert {passage.document for passage in by_kind.passages} <= {"PU-1"}
    assert by_kind.searched == ("PU-1 rev. B",)
    by_document = library.search("F101", documents=["CO-1"])
    assert by_document.passages[0].text == "F101 | Element hot"


def test_nothing_applies_is_said(library: Library) -> None:
    answer = library.search("torque", documents=["NO-9"])
    assert (answer.strength, answer.passages) == ("none", ())
    assert answer.notices == ("there are no manuals that apply here",)


def test_what_the_manuals_do_not_cover_is_not_quoted(library: Library) -> None:
    answer = library.search("opening hours of the canteen on sundays")
    assert (answer.strength, answer.passages) == ("none", ())
    assert answer.searched


def test_a_code_on_two_machines_asks_which(library: Library) -> None:
    answer = library.search("what is F101")
    assert {passage.document for passage in answer.passages[:2]} == {"PU-1", "CO-1"}
    assert "which machine" in answer.notices[0]


def test_an_unknown_code_quotes_no_other_code(library: Library) -> None:
    answer = library.search("what does fault F103 mean, seal wet or bearing hot")
    assert answer.unknown_codes == ("F103",)
    assert not [p for p in answer.passages if p.text.startswith("F10")]


def test_a_code_of_another_machine_is_named_not_quoted(library: Library) -> None:
    answer = library.search("F555", documents=["PU-1"])
    assert (answer.unknown_codes, answer.passages) == (("F555",), ())
    assert answer.notices == ("F555 stands only in CO-1 rev. A",)


@pytest.mark.parametrize(
    ("old", "new"), [("A", "B"), ("Z", "AA"), ("1.9", "1.10"), ("2", "10"), ("B1", "B2")]
)
def test_a_superseded_revision_is_never_quoted(folder: Path, old: str, new: str) -> None:
    for revision, torque in ((old, "80"), (new, "70")):
        body = f"# 1 Torque\n\nTighten the lid screws with {torque} N.m."
        (folder / f"lid-{revision}.md").write_text(manual("LID", revision, body), encoding="utf-8")
    library = Library.open(folder)
    answer = library.search("lid screws torque", limit=50)
    quotes = [passage for passage in answer.passages if passage.document == "LID"]
    assert [(q.revision, q.text) for q in quotes] == [(new, "Tighten the lid screws with 70 N.m.")]
    assert [document.revision for document in library.superseded] == [old]
    assert "superseded" in library.notices[0]


def test_a_manual_can_supersede_another_by_its_id(folder: Path) -> None:
    newer = manual("PU-2", "A", PUMP.replace("18 N.m", "21 N.m"), supersedes="PU-1")
    (folder / "newer.md").write_text(newer, encoding="utf-8")
    library = Library.open(folder)
    assert [document.id for document in library.documents] == ["CO-1", "PU-2"]


def test_files_without_revision_never_push_each_other_out(folder: Path) -> None:
    for name in ("hall", "roof"):
        (folder / name).mkdir()
        (folder / name / "notes.md").write_text(f"# Notes\n\nThe {name} leaks.", encoding="utf-8")
    library = Library.open(folder)
    assert len(library.documents) == 4
    assert not library.superseded


def test_a_broken_file_is_left_out_with_its_reason(folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    (folder / "binary.md").write_bytes(os.urandom(64) + b"\xff\xfe")
    library = Library.open(folder)
    assert len(library.documents) == 2
    reasons = sorted(library.notices)
    assert reasons[0].startswith("binary.md left out: not UTF-8")
    assert reasons[1].startswith("broken.pdf left out: not a readable PDF")


def test_an_empty_or_missing_folder_is_a_library_that_knows_nothing(tmp_path: Path) -> None:
    library = Library.open(tmp_path / "nowhere")
    assert library.notices == ("no manuals in nowhere",)
    assert library.search("torque").notices == ("there are no manuals loaded",)


def test_the_cache_gives_the_same_answers(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "manuals.sqlite"
    first = Library.open(folder, cache)
    second = Library.open(folder, cache)
    for question in ("shaft seal", "oil", "F102", "canteen"):
        assert first.search(question) == second.search(question)
    assert first.documents == second.documents


def test_what_is_held_is_not_read_again_and_follows_the_files(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "library.db"
    Library.open(folder, store).close()
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE chunks SET text = replace(text, '4000', '1234')")
    connection.close()
    assert "1234" in Library.open(folder, store).search("oil change hours").passages[0].text
    text = (folder / "air.md").read_text(encoding="utf-8")
    (folder / "air.md").write_text(text.replace("4000", "6000"), encoding="utf-8")
    (folder / "pump.md").unlink()
    library = Library.open(folder, store)
    assert "6000" in library.search("oil change hours").passages[0].text
    with sqlite3.connect(store) as connection:
        assert connection.execute("SELECT count(*) FROM manuals").fetchone() == (1,)
    connection.close()


def test_a_damaged_library_is_put_aside_and_made_anew(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "library.db"
    store.write_bytes(b"this is no database at all, but long enough to look like one" * 40)
    library = Library.open(folder, store)
    assert "made anew" in library.notices[0]
    assert library.search("shaft seal").passages
    assert not Library.open(folder, store).notices
    assert (tmp_path / "library.damaged").is_file()


def test_a_library_that_cannot_be_kept_is_no_obstacle(folder: Path, tmp_path: Path) -> None:
    library = Library.open(folder, tmp_path)
    assert "not kept" in library.notices[0]
    assert library.search("shaft seal").passages


@pytest.mark.parametrize("name", ["pump [rev B].md", "pump*.md", "pump?.md", "**.md"])
def test_the_file_of_a_manual_is_found_whatever_its_name(folder: Path, name: str) -> None:
    (folder / "pump.md").rename(folder / name)
    library = Library.open(folder)
    manual = next(manual for manual in library.documents if manual.id == "PU-1")
    assert library.file_of(manual) == folder / name


def test_a_quote_stands_where_its_best_part_does(tmp_path: Path) -> None:
    long = "Grease the spindle nut of the press. " + "Wipe every guide rail dry. " * 30
    other = "Keep clear of the press while its doors are open. " * 18
    near = "The spindle nut of the press is made of bronze."
    body = f"# 1 Care\n\n{long}\n\n{other}\n\n# 2 Parts\n\n{near}\n"
    (tmp_path / "press.md").write_text(manual("PR-1", "A", body), encoding="utf-8")
    passages = Library.open(tmp_path).search("grease the spindle nut of the press").passages
    assert [passage.section for passage in passages] == ["1 Care", "2 Parts"]


def test_a_found_step_brings_its_warning_and_the_section_around_it(tmp_path: Path) -> None:
    before = "Wipe every guide rail of the press dry before you go on. " * 14
    warning = "WARNING: The spring of the knife holder is under tension."
    steps = f"1. {before}\n2. Open the hood.\n\n> {warning}\n\n3. Unhook the knife holder."
    body = f"# 1 Knives\n\n{steps}\n\n# 2 Belt\n\nThe belt is made of rubber.\n"
    (tmp_path / "press.md").write_text(manual("PR-1", "A", body), encoding="utf-8")
    (passage, *_) = Library.open(tmp_path).search("unhook knife holder").passages
    assert f"{warning}\n3. Unhook" in passage.text
    assert passage.text.startswith("1. Wipe")
    assert (passage.section, passage.more) == ("1 Knives", False)


def test_a_file_that_has_changed_is_not_the_file_of_its_manual(folder: Path) -> None:
    file = folder / "pump.md"
    os.utime(file, (1e9, 1e9))
    library = Library.open(folder)
    manual = next(manual for manual in library.documents if manual.id == "PU-1")
    assert library.file_of(manual) == file
    content = file.read_text(encoding="utf-8")
    file.write_text(content.swapcase(), encoding="utf-8")
    os.utime(file, (1e9, 1e9))
    assert library.file_of(manual) is None
    file.write_text(content, encoding="utf-8")
    assert library.file_of(manual) == file


def test_two_threads_may_ask_at_once(library: Library) -> None:
    questions = ["shaft seal", "oil change", "F102", "gloves"] * 8
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(library.search, questions))
    assert found == [library.search(question) for question in questions]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=300))
def test_any_question_gets_an_honest_answer(library: Library, question: str) -> None:
    answer = library.search(question)
    assert bool(answer.passages) == (answer.strength != "none")
    assert all(library.is_verbatim(passage) for passage in answer.passages)


def test_a_question_of_a_hundred_kilobytes_is_cut(library: Library) -> None:
    assert library.search("shaft seal " * 10_000).passages
    assert not library.search("AA-" * 33_000).passages
