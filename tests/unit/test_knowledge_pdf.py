"""PDF manuals of all makes: what stands where on which page."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from fpdf import FPDF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot_knowledge.document import Block, UnreadableDocument
from copilot_knowledge.parse_pdf import parse_pdf

Draw = Callable[[FPDF], None]


class RunningHeads(FPDF):
    """A document with a running head and foot."""

    def header(self) -> None:
        self.set_font("Helvetica", size=8)
        self.text(20, 12, "Maker Inc. - Pump Manual")

    def footer(self) -> None:
        self.set_font("Helvetica", size=8)
        self.text(180, 290, f"Page {self.page_no()}")


def written(folder: Path, draw: Draw, pdf: FPDF | None = None) -> Path:
    pdf = pdf or FPDF()
    pdf.set_font("Helvetica", size=10)
    draw(pdf)
    file = folder / "manual.pdf"
    pdf.output(str(file))
    return file


def texts(blocks: tuple[Block, ...], kind: str) -> list[str]:
    return [block.text for block in blocks if block.kind == kind]


def paragraph(pdf: FPDF, text: str, size: float = 10, style: str = "") -> None:
    pdf.set_font("Helvetica", style, size)
    pdf.multi_cell(160, size / 2, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)


def test_headings_steps_and_warnings_are_told_apart(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        paragraph(pdf, "4 Maintenance", 15, "B")
        paragraph(pdf, "4.2 Changing the oil", 10, "B")
        paragraph(pdf, "The oil is changed when it is warm. " * 6)
        paragraph(pdf, "1. Open the drain.")
        paragraph(pdf, "WARNING: Hot oil burns.")
        paragraph(pdf, "2. Close the drain with 40 N.m.")

    document, blocks = parse_pdf(written(tmp_path, draw))
    assert [(s.heading, s.path) for s in document.sections] == [
        ("4 Maintenance", ("4 Maintenance",)),
        ("4.2 Changing the oil", ("4 Maintenance", "4.2 Changing the oil")),
    ]
    assert texts(blocks, "paragraph") == [("The oil is changed when it is warm. " * 6).strip()]
    assert texts(blocks, "step") == ["1. Open the drain.", "2. Close the drain with 40 N.m."]
    assert texts(blocks, "warning") == ["WARNING: Hot oil burns."]


def test_running_heads_are_dropped_and_pages_are_true(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        for number in range(1, 6):
            pdf.add_page()
            pdf.set_y(60)
            paragraph(pdf, f"Sheet {number} tells about subject {'abcde'[number - 1] * 4}. " * 3)

    document, blocks = parse_pdf(written(tmp_path, draw, RunningHeads()))
    assert [block.page for block in blocks] == [1, 2, 3, 4, 5]
    assert "subject cccc" in document.pages[2].text
    assert "Maker Inc." not in document.pages[2].text
    assert "Page 3" not in document.pages[2].text


ROWS = (
    ("Symptom", "Cause", "Remedy"),
    ("Pump does not deliver", "Air in the suction line, valve closed", "Vent, open the valve"),
    ("Noise", "Cavitation because the strainer is clogged", "Clean the strainer basket"),
    ("Shaft seal drips", "Faces worn", "Replace the seal and check the run-out of the shaft"),
)


def columns(pdf: FPDF, rows: tuple[tuple[str, ...], ...]) -> None:
    """A table without any rule, each cell wrapped in its own column."""
    for row in rows:
        top, bottom = pdf.get_y(), pdf.get_y()
        for cell, x in zip(row, (20, 75, 130), strict=True):
            pdf.set_xy(x, top)
            pdf.multi_cell(45, 5, cell, align="L")
            bottom = max(bottom, pdf.get_y())
        pdf.set_y(bottom + 3)


def test_a_table_without_rules_has_whole_rows(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        pdf.set_font("Helvetica", size=10)
        columns(pdf, ROWS)

    _, blocks = parse_pdf(written(tmp_path, draw))
    assert texts(blocks, "header") == ["Symptom | Cause | Remedy"]
    assert texts(blocks, "row") == [" | ".join(row) for row in ROWS[1:]]


def test_a_ruled_table_goes_on_over_the_page(tmp_path: Path) -> None:
    rows = [("Code", "Meaning")] + [(f"E{n}", f"Fault {n} " * 12) for n in range(10, 50)]

    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        paragraph(pdf, "Table 1 Codes", 10, "B")
        pdf.set_font("Helvetica", size=10)
        with pdf.table(rows, text_align="LEFT", col_widths=(1, 3), padding=2):
            pass

    document, blocks = parse_pdf(written(tmp_path, draw))
    found = [block for block in blocks if block.kind == "row"]
    assert len(document.pages) > 1
    assert [row.text for row in found] == [" | ".join(row).strip() for row in rows[1:]]
    assert {(row.caption, row.header) for row in found} == {("Table 1 Codes", "Code | Meaning")}
    assert found[-1].page == len(document.pages)


def test_two_columns_of_prose_are_read_one_after_the_other(tmp_path: Path) -> None:
    left = "The left column tells how the machine is started in the morning. " * 6
    right = "On the right side stands what to do when it is stopped at night. " * 6

    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        pdf.set_font("Helvetica", size=10)
        for text, x in ((left, 20), (right, 112)):
            pdf.set_xy(x, 40)
            pdf.multi_cell(80, 5, text, align="L")

    _, blocks = parse_pdf(written(tmp_path, draw))
    assert " ".join(texts(blocks, "paragraph")) == left + right.strip()


def test_contents_lines_are_no_headings(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        for number in range(1, 8):
            paragraph(pdf, f"{number} Chapter {'.' * 60} {number * 3}", 10, "B")

    document, blocks = parse_pdf(written(tmp_path, draw))
    assert not document.sections
    assert len(texts(blocks, "contents")) == 7


def test_a_page_without_text_is_flagged(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        paragraph(pdf, "This page has enough text to be searched by anyone.")
        pdf.add_page()
        pdf.rect(20, 20, 100, 100, style="F")

    document, _ = parse_pdf(written(tmp_path, draw))
    assert [page.searchable for page in document.pages] == [True, False]


def test_no_word_is_lost_or_invented(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        paragraph(pdf, "1 Data", 14, "B")
        paragraph(pdf, "Values at 20 °C; tolerance ± 5 %. See section 3 for the end-suction type.")
        columns(pdf, ROWS)

    file = written(tmp_path, draw)
    document, _ = parse_pdf(file)
    with pypdfium2.PdfDocument(file) as pdf:
        raw = pdf[0].get_textpage().get_text_range()
    assert Counter(document.pages[0].text.replace("|", " ").split()) == Counter(raw.split())


def test_identity_comes_from_the_properties(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        pdf.set_title("Pump <|im_start|> manual")
        pdf.set_subject("PM-7")
        pdf.set_keywords(json.dumps({"revision": "B", "kinds": ["pump"], "date": "2024-01-31"}))

    document, _ = parse_pdf(written(tmp_path, draw))
    assert (document.id, document.revision, document.kinds) == ("PM-7", "B", ("pump",))
    assert document.title == "Pump (im_start) manual"


def test_a_side_car_overrides_the_properties(tmp_path: Path) -> None:
    file = written(tmp_path, lambda pdf: pdf.add_page())
    side_car = file.with_name("manual.pdf.toml")
    side_car.write_text('document = "PM-8"\nrevision = 3\ndate = 2024-05-01\n', encoding="utf-8")
    document, _ = parse_pdf(file)
    assert (document.id, document.revision) == ("PM-8", "3")


def test_an_encrypted_file_says_so(tmp_path: Path) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.add_page()
        pdf.set_encryption(owner_password="owner", user_password="user")

    with pytest.raises(UnreadableDocument, match="not a readable PDF"):
        parse_pdf(written(tmp_path, draw))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    whole = written(folder, lambda pdf: (pdf.add_page(), columns(pdf, ROWS))[0]).read_bytes()
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for place in data.draw(st.lists(st.integers(0, max(len(damaged) - 1, 0)), max_size=20)):
        if damaged:
            damaged[place] = data.draw(st.integers(0, 255))
    file = folder / "damaged.pdf"
    file.write_bytes(bytes(damaged))
    try:
        document, blocks = parse_pdf(file)
    except UnreadableDocument:
        return
    for block in blocks:
        assert block.text in document.pages[block.page - 1].text
