"""Draws one manual as a PDF: cover, contents with page numbers, outline and body."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fpdf.enums import XPos, YPos
from fpdf.outline import OutlineSection
from markdown_it import MarkdownIt

from copilot.demo.manuals.body import draw_body
from copilot.demo.manuals.sheet import ACCENT, FONT, GREY, INK, LINE, MARGIN, RULE, ManualPdf

_CONTENTS_LINE = 6.2
_CONTENTS_PER_PAGE = 38


def draw(fields: Mapping[str, Any], text: str) -> bytes:
    """The PDF of a Markdown manual with this front matter; the same input gives the same bytes."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    pdf = ManualPdf(fields)
    pdf.add_page()
    _draw_cover(pdf, fields)
    pdf.add_page()
    headings = sum(token.type == "heading_open" and token.tag in ("h1", "h2") for token in tokens)
    pdf.insert_toc_placeholder(
        lambda _, outline: _draw_contents(pdf, outline),
        pages=-(-headings // _CONTENTS_PER_PAGE),
    )
    draw_body(pdf, tokens)
    return bytes(pdf.output())


def _draw_cover(pdf: ManualPdf, fields: Mapping[str, Any]) -> None:
    pdf.set_fill_color(*ACCENT)
    pdf.rect(0, 0, pdf.w, 92, style="F")
    pdf.set_xy(MARGIN, 30)
    pdf.set_text_color(255, 255, 255)
    parts = re.split(r" - |, (?=Operation)", str(fields["title"]), maxsplit=1)
    pdf.set_font(FONT, "B", 23)
    pdf.multi_cell(pdf.epw, 10.5, parts[0], align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(3)
    pdf.set_font(FONT, size=13)
    kind = parts[1] if len(parts) > 1 else "Operation and maintenance manual"
    pdf.cell(0, 7, kind[:1].upper() + kind[1:])
    pdf.set_xy(MARGIN, 108)
    rows = (
        ("Document", str(fields["document"])),
        ("Revision", str(fields["revision"])),
        ("Date of issue", str(fields["date"])),
        ("Replaces", str(fields["supersedes"])),
        ("Machines", ", ".join(fields["models"])),
        ("Valid for", ", ".join(fields["assets"])),
    )
    for name, value in rows:
        pdf.set_font(FONT, "B", 10)
        pdf.set_text_color(*GREY)
        pdf.cell(38, 7, name)
        pdf.body()
        pdf.multi_cell(pdf.epw - 38, 7, value, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.set_y(-52)
    pdf.set_draw_color(*RULE)
    pdf.line(MARGIN, pdf.get_y() - 4, pdf.w - MARGIN, pdf.get_y() - 4)
    pdf.body()
    notice = (
        "Read chapter by chapter before the first work on the machine and keep this manual within "
        "reach of it. Only the revision named above is valid; take printed copies of earlier ones "
        "out of use."
    )
    pdf.multi_cell(pdf.epw, LINE, notice, align="L")


def _draw_contents(pdf: ManualPdf, outline: Sequence[OutlineSection]) -> None:
    pdf.heading(1)
    pdf.set_x(MARGIN)
    pdf.cell(0, 10, "Contents", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(2)
    entries = [section for section in outline if section.level < 2]
    for section in entries:
        pdf.body("B" if section.level == 0 else "")
        pdf.set_x(MARGIN + 6 * section.level)
        link = pdf.add_link(page=section.page_number)
        page = str(section.page_number)
        name_width = pdf.get_string_width(section.name) + 2
        room = pdf.w - MARGIN - pdf.get_x() - name_width - 10
        pdf.cell(name_width, _CONTENTS_LINE, section.name, link=link)
        pdf.set_text_color(*GREY)
        dots = "." * int(room / pdf.get_string_width("."))
        pdf.cell(room, _CONTENTS_LINE, dots, align="R", link=link)
        pdf.set_text_color(*INK)
        pdf.cell(0, _CONTENTS_LINE, page, align="R", link=link, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
