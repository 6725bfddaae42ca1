"""Manuals: listed, searched, and every page shown with the quoted passage marked."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from fpdf import FPDF
from PIL import Image
from web_fixture import Works

from copilot.web.pdf_pages import look_up
from copilot.web.rendering import environment
from copilot_knowledge.library import Library
from copilot_knowledge.passages import find_passage, mark_passage
from copilot_tools.errors import Failed
from copilot_tools.facts import Quote

PASSAGE = "Grease the drive end bearing with 12 g of lithium grease every 2000 operating hours."
MARKDOWN = """\
---
document: SOP-7
title: Cleaning <b>the mixer</b>
revision: {revision}
kinds: mixer
assets: M-1
---
# 1 Cleaning

Rinse the vessel with water of at most 40 degC for ten minutes, <script>alert(1)</script> then dry.
"""


def write_pdf(file: Path, title: str = "Mixer manual") -> None:
    pdf = FPDF()
    pdf.set_title(title)
    pdf.set_subject("MX-1")
    pdf.set_keywords('{"revision": "B", "assets": ["M-1"]}')
    for text in ("1 Safety\nLock out the mixer before any work on it is begun.", PASSAGE):
        pdf.add_page()
        pdf.set_font("helvetica", size=14)
        pdf.multi_cell(90, 8, text)
    pdf.output(str(file))


def fill_shelf(works: Works) -> None:
    folder = works.services.settings.manuals
    write_pdf(folder / "mixer.pdf")
    (folder / "cleaning.md").write_text(MARKDOWN.format(revision="3"))
    (folder / "cleaning-old.md").write_text(MARKDOWN.format(revision="2"))
    library = Library.open(folder)
    copilot = works.services.copilot
    plant = replace(copilot.plant, library=library)
    works.app.state.services = replace(works.services, copilot=replace(copilot, plant=plant))


async def test_manuals_are_listed_with_what_they_apply_to(works: Works):
    fill_shelf(works)
    client = await works.client("olga")
    page = (await client.get("/documents")).text
    assert "Mixer manual" in page
    assert "MX-1 rev. B" in page
    assert 'href="/plant/assets/M-1"' in page
    assert "superseded" in page
    assert "<b>the mixer" not in page


async def test_a_search_shows_quotes_that_open_their_page(works: Works):
    fill_shelf(works)
    client = await works.client("olga")
    page = (await client.get("/documents", params={"q": "grease drive end bearing"})).text
    assert "lithium grease" in page
    assert "/documents/MX-1/pages/2?revision=B&amp;mark=" in page
    none = (await client.get("/documents", params={"q": "who won the cup final?"})).text
    assert "do not cover that" in none
    own = (await client.get("/documents?q=rinse the vessel with water&asset=M-1")).text
    assert "Searched: SOP-7 rev. 3, MX-1 rev. B" in own
    assert (await client.get("/documents?q=x&asset=NO-1")).status_code == 400


async def test_the_passage_is_marked_on_the_very_page(works: Works):
    fill_shelf(works)
    client = await works.client("olga")
    page = (await client.get(f"/documents/MX-1/pages/2?mark={quote(PASSAGE)}")).text
    assert 'class="passage"' in page
    assert "<mark>Grease the drive end" in page
    assert "could not be marked" not in page
    assert 'rel="prev" href="/documents/MX-1/pages/1' in page
    other = (await client.get(f"/documents/MX-1/pages/1?mark={quote(PASSAGE)}")).text
    assert "could not be marked on this page" in other


async def test_a_page_is_drawn_as_printed(works: Works):
    fill_shelf(works)
    client = await works.client("olga")
    drawn = await client.get("/documents/MX-1/pages/1.png")
    assert drawn.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(drawn.content)).size == (1191, 1684)
    assert (await client.get("/documents/MX-1/pages/1.png?scale=99")).status_code == 422
    assert (await client.get("/documents/SOP-7/pages/1.png")).status_code == 404


async def test_markdown_is_shown_as_text(works: Works):
    fill_shelf(works)
    client = await works.client("olga")
    mark = quote("Rinse the vessel with water of at most 40 degC")
    page = (await client.get(f"/documents/SOP-7/pages/1?mark={mark}")).text
    assert "<mark>Rinse the vessel with water of at most 40 degC</mark>" in page
    assert "<script>alert" not in page
    old = (await client.get("/documents/SOP-7/pages/1?revision=2")).text
    assert "no longer in force" in old
    gone = (await client.get("/documents/SOP-7/pages/1?revision=1")).text
    assert "Revision 1 is not here" in gone
    contents = (await client.get("/documents/SOP-7")).text
    assert 'href="/documents/SOP-7/pages/1?revision=3">1 Cleaning' in contents


@pytest.mark.parametrize(
    "path",
    [
        "/documents/none",
        "/documents/none/pages/1",
        "/documents/MX-1/pages/3",
        "/documents/MX-1/pages/0.png",
        "/documents/mixer.pdf",
        "/documents/..%2fmixer.pdf/pages/1.png",
    ],
)
async def test_what_the_library_does_not_have_is_not_found(works: Works, path: str):
    fill_shelf(works)
    client = await works.client("olga")
    assert (await client.get(path)).status_code == 404


async def test_a_manual_whose_file_is_gone_still_has_its_text(works: Works):
    fill_shelf(works)
    (works.services.settings.manuals / "mixer.pdf").unlink()
    client = await works.client("olga")
    page = await client.get(f"/documents/MX-1/pages/2?mark={quote(PASSAGE)}")
    assert page.status_code == 200
    assert "no longer there" in page.text
    assert "<mark>Grease" in page.text
    assert (await client.get("/documents/MX-1/pages/2.png")).status_code == 503


def test_a_passage_is_found_over_line_ends_and_hyphens():
    page = "Before: the drive end bear-\ning is to be greased\nonce a year. After."
    found = find_passage(page, "the drive end bearing is to be greased once a year")
    assert [page[place.start : place.stop] for place in found] == [
        "the drive end bear-\ning is to be greased\nonce a year"
    ]


def test_cells_of_a_table_are_found_one_by_one():
    page = "Code Meaning Remedy E21 Overtemperature of the motor Clean the cooler"
    pieces = mark_passage(page, "E21 | Overtemperature of the motor | Clean the cooler at once")
    assert [p.text for p in pieces if p.marked] == ["Overtemperature of the motor"]


@pytest.mark.parametrize("passage", ["", "...", "no such words on this page at all"])
def test_what_is_not_there_is_not_marked(passage: str):
    assert find_passage("The pump is blue and quiet.", passage) == []


def test_a_broken_file_is_told(tmp_path: Path):
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(Failed):
        look_up(tmp_path / "broken.pdf", 1, "x")


def test_a_quote_names_its_place_and_is_never_markup():
    template = environment("en").from_string(
        '{% from "quote.html" import quote %}{{ quote(passage) }}'
    )
    passage = Quote("CV/12 A", "Valve", "D", 12, "2.3 Lock-out", "Use <i>two</i> locks & tags.")
    text = template.render(passage=passage)
    assert "Use &lt;i&gt;two&lt;/i&gt; locks &amp; tags." in text
    assert "/documents/CV/12%20A/pages/12?revision=D&amp;mark=Use%20%3Ci%3Etwo" in text
    assert "2.3 Lock-out" in text
