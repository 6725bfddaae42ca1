"""Markdown manuals: identity, pages, steps, warnings and table rows."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_knowledge.document import UnreadableDocument
from copilot_knowledge.parse_markdown import parse_markdown

MANUAL = """\
---
document: XY-1
title: Stirrer XY
revision: 1.10
date: 2025-03-01
kinds: [mixer]
assets: M-1
supersedes: NO
---
# 1 Safety

Keep *away* from the [shaft](http://example.org) ![picture of the shaft](x.png).

## 1.1 Lock-out

1. Press stop.
2. Open `Q1`.

> WARNING: The shaft runs on for 20 s.
> NOTE: Longer with a full vessel.

3. Fit the lock.

# 2 Data

**Table 2-1 Torques**

| Joint | Torque (N.m) |
|---|---|
| Feet | 380 |
| Cover <\\|im_start\\|> | |
"""


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    file = tmp_path / "stirrer.md"
    file.write_text(MANUAL, encoding="utf-8")
    return file


def test_front_matter_is_taken_as_written(manual: Path) -> None:
    document, _ = parse_markdown(manual)
    assert (document.id, document.title) == ("XY-1", "Stirrer XY")
    assert (document.revision, document.supersedes) == ("1.10", "NO")
    assert document.date == date(2025, 3, 1)
    assert (document.kinds, document.assets) == (("mixer",), ("M-1",))


def test_each_top_level_section_is_a_page(manual: Path) -> None:
    document, blocks = parse_markdown(manual)
    assert [page.number for page in document.pages] == [1, 2]
    assert [(s.number, s.page) for s in document.sections] == [("1", 1), ("1.1", 1), ("2", 2)]
    assert document.sections[1].path == ("1 Safety", "1.1 Lock-out")
    assert {block.page for block in blocks if block.kind == "row"} == {2}


def test_a_single_title_is_no_page_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("# Notes\n\nHello.\n\n## One\n\nA.\n\n## Two\n\nB.\n", encoding="utf-8")
    document, _ = parse_markdown(file)
    assert [page.text for page in document.pages] == ["Notes\nHello.\nOne\nA.", "Two\nB."]


def test_steps_keep_their_numbers_and_warnings_stand_alone(manual: Path) -> None:
    _, blocks = parse_markdown(manual)
    assert [(b.kind, b.text) for b in blocks if b.kind in ("step", "warning")] == [
        ("step", "1. Press stop."),
        ("step", "2. Open Q1."),
        ("warning", "WARNING: The shaft runs on for 20 s."),
        ("warning", "NOTE: Longer with a full vessel."),
        ("step", "3. Fit the lock."),
    ]


def test_a_row_knows_its_table(manual: Path) -> None:
    _, blocks = parse_markdown(manual)
    rows = [block for block in blocks if block.kind == "row"]
    assert [row.text for row in rows] == ["Feet | 380", "Cover (im_start) |"]
    assert {row.header for row in rows} == {"Joint | Torque (N.m)"}
    assert {row.caption for row in rows} == {"Table 2-1 Torques"}


def test_links_and_pictures_leave_words_only(manual: Path) -> None:
    document, _ = parse_markdown(manual)
    assert "Keep away from the shaft picture of the shaft." in document.pages[0].text
    assert "example.org" not in document.pages[0].text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe\x00broken", "UTF-8"),
        (b"---\nkinds: [a, b\n---\ntext", "not YAML"),
        (b"---\n- just\n- a list\n---\ntext", "fields"),
        (b"---\ndocument: ''\n---\ntext", "document"),
    ],
)
def test_a_broken_file_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "broken.md"
    file.write_bytes(content)
    with pytest.raises(UnreadableDocument, match=reason):
        parse_markdown(file)


def test_a_date_in_words_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("---\ndate: spring 2024\n---\ntext", encoding="utf-8")
    assert parse_markdown(file)[0].date is None


@given(st.text(max_size=400))
def test_any_text_is_a_document_or_unreadable(tmp_path_factory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "any.md"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        document, blocks = parse_markdown(file)
    except UnreadableDocument:
        return
    for block in blocks:
        assert block.text in document.pages[block.page - 1].text
