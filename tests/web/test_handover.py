"""Handing a conversation over: complete, with units and sources, and nothing becomes markup."""

import re
from html import unescape

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from web.test_chat_page import answered
from web_fixture import Works

from copilot.web.handover import pdf
from copilot.web.handover.gather import Filed, Grid, HandedTurn, Handover
from copilot.web.handover.markdown import escape, write_markdown
from copilot.web.handover.pdf import draw_pdf
from copilot_tools.display import printable
from copilot_tools.facts import Quote

NASTY = "# <b>x</b> [y](javascript:z) ![p](q) `c` *e* | & _u_ ~~s~~ &lt;"
QUOTE = Quote("MAN-1", "Mixer manual", "C", 12, "4.2 Seals", f"Torque 25 N·m → ±5 %\n- {NASTY}")
TURN = HandedTurn(
    asked="2026-11-21 12:00",
    question=NASTY,
    answer=f"It runs.\n{NASTY}\n1. one\n- two\n    three",
    notices=("Stopped.",),
    grids=(
        Grid(
            "",
            ("What", "Value", "Quality", "Time", "Source"),
            ((NASTY, "15.5 A", "good", "2026-11-21 12:00", "OPC UA nsu=urn:works;s=M-1.current"),),
        ),
    ),
    quotes=(QUOTE,),
    proposals=(Filed("#1", "set M-1 speed to 1050 rpm", "pending approval"),),
)
HANDOVER = Handover(
    "Gärwerk <Süd>", "Europe/Berlin", "olga", "operator", "2026-11-21 12:05", (TURN,)
)


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)
    finally:
        document.close()


def seen(text: str) -> str:
    """What is left when only letters that are not space count."""
    return "".join(text.split())


async def test_a_handover_as_markdown(works: Works):
    client = await works.client("olga")
    conversation, _ = await answered(works, client, "how is the mixer?")
    handed = await client.get(f"/chat/{conversation}/handover.md")
    assert handed.headers["content-type"] == "text/markdown; charset=utf-8"
    assert handed.headers["content-disposition"].startswith("attachment")
    assert handed.text.startswith("# Small works: handover\n")
    assert "By olga (operator), 2026-11-21 12:00." in handed.text
    assert "## how is the mixer?" in handed.text
    row = next(line for line in handed.text.splitlines() if "motor current | 15.5 A" in line)
    assert "| good | 2026-11-21 12:00 | OPC UA" in row


async def test_a_handover_as_pdf(works: Works):
    client = await works.client("olga")
    conversation, _ = await answered(works, client, "how is the mixer?")
    handed = await client.get(f"/chat/{conversation}/handover.pdf")
    assert handed.headers["content-type"] == "application/pdf"
    text = text_of(handed.content)
    for words in ("Small works: handover", "how is the mixer?", "15.5 A", "2026-11-21 12:00"):
        assert seen(words) in seen(text)


async def test_a_proposal_is_handed_over(works: Works):
    client = await works.client("olga")
    conversation, _ = await answered(works, client, "set the mixer to 1050 rpm")
    handed = await client.get(f"/chat/{conversation}/handover.md")
    assert "Proposal \\#1: " in handed.text
    assert "pending approval when it was asked for" in handed.text


def test_nothing_said_becomes_markdown():
    html = (
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(write_markdown(HANDOVER))
    )
    tags = set(re.findall(r"<(/?[a-z0-9]+)", html))
    assert {tag.strip("/") for tag in tags} == {
        "h1", "h2", "p", "br", "table", "thead", "tbody", "tr", "th", "td", "blockquote",
    }  # fmt: skip
    shown = unescape(re.sub(r"<[^>]*>", "", html))
    assert seen(shown).count(seen(NASTY)) == 4
    assert "1. one" in shown
    assert "page 12" in shown


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=60))
def test_escaped_text_is_shown_as_it_is(text: str):
    line = " ".join(text.split())
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(f"x {escape(line)}")
    assert re.fullmatch(r"<p>[^<]*</p>\n", html)
    assert seen(unescape(html[3:-5])) == seen(f"x {printable(line)}")


@pytest.mark.parametrize("fonts", [pdf.FONTS, ()])
def test_a_pdf_can_be_read_whatever_fonts_there_are(
    fonts: tuple[tuple[str, str], ...], recwarn: pytest.WarningsRecorder
):
    text = seen(text_of(draw_pdf(HANDOVER, fonts)))
    for words in ("Gärwerk <Süd>", NASTY, "15.5 A", "page 12", "Proposal #1"):
        assert seen(words) in text


def test_a_long_handover_has_many_pages():
    long = Handover("S", "UTC", "olga", "operator", "now", (TURN,) * 12)
    document = pypdfium2.PdfDocument(draw_pdf(long))
    assert len(document) > 3
    document.close()
