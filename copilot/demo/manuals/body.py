"""Draws the body of a manual: headings, steps, boxed warnings and tables."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from fpdf.enums import MethodReturnValue, TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace
from markdown_it.token import Token

from copilot.demo.manuals.sheet import (
    ACCENT,
    FONT,
    GAP,
    HEADINGS,
    INK,
    LINE,
    MARGIN,
    RULE,
    ManualPdf,
)

_HEAD_FILL = (226, 232, 238)
# Safety colours after ANSI Z535.4: the bar, and a tint of it behind the text.
_SAFETY = {
    "DANGER": ((196, 24, 32), (252, 236, 236)),
    "WARNING": ((230, 120, 20), (255, 244, 232)),
    "CAUTION": ((226, 180, 0), (255, 251, 230)),
    "NOTE": ((28, 98, 168), (234, 242, 250)),
}
_BEFORE_UNIT = re.compile(
    r"(?<=\d) (?=(?:%|°C|K|bar|mm|m|kW|A|V|Hz|N\.m|N|g|kg|l|ml|h|s|min|rpm|bpm|mbar|m3/h|mm/s)\b|%)"
)


def draw_body(pdf: ManualPdf, tokens: Sequence[Token]) -> None:
    """Draw Markdown tokens from the current position on."""
    for group in _groups(tokens):
        _draw_group(pdf, group)


def _groups(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Top-level pieces: each list of tokens from an opening to its closing."""
    group: list[Token] = []
    for token in tokens:
        group.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield group
            group = []


def _draw_group(pdf: ManualPdf, group: Sequence[Token]) -> None:
    match group[0].type:
        case "heading_open":
            _draw_heading(pdf, int(group[0].tag[1]), _plain(group[1]))
        case "table_open":
            _draw_table(pdf, list(_rows(group)))
        case "blockquote_open":
            for text in _quoted(group):
                _draw_warning(pdf, text)
        case "ordered_list_open" | "bullet_list_open":
            for marker, text in _items(group):
                _draw_step(pdf, marker, text)
        case "paragraph_open":
            _draw_paragraph(pdf, _styled(group[1]))


def _draw_heading(pdf: ManualPdf, level: int, text: str) -> None:
    height = HEADINGS[level][1]
    if level == 1:
        pdf.keep(pdf.eph)
    else:
        pdf.keep(height + 32)
        pdf.ln(3)
    pdf.start_section(text, level - 1)
    pdf.heading(level)
    pdf.multi_cell(pdf.epw, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    if level == 1:
        pdf.set_draw_color(*ACCENT)
        pdf.set_line_width(0.6)
        pdf.line(MARGIN, pdf.get_y() + 0.5, pdf.w - MARGIN, pdf.get_y() + 0.5)
        pdf.ln(3)
    pdf.ln(1.2)


def _draw_paragraph(pdf: ManualPdf, text: str) -> None:
    pdf.body()
    if text.startswith("**Table"):
        # A caption stays with the head and the first rows of its table.
        pdf.keep(40)
        pdf.ln(1.5)
    else:
        pdf.keep(min(_height(pdf, text, pdf.epw), 10 * LINE))
    pdf.multi_cell(
        pdf.epw, LINE, text, align="L", markdown=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT
    )
    pdf.ln(1 if text.startswith("**Table") else GAP)


def _draw_step(pdf: ManualPdf, marker: str, text: str) -> None:
    pdf.body()
    width = pdf.epw - 8
    pdf.keep(_height(pdf, text, width))
    top = pdf.get_y()
    pdf.cell(8, LINE, marker)
    pdf.set_xy(MARGIN + 8, top)
    pdf.multi_cell(width, LINE, text, align="L", markdown=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(1.6)


def _draw_warning(pdf: ManualPdf, text: str) -> None:
    """A box that is never torn apart, with room below for the step that it guards."""
    word = "".join(takewhile(str.isalpha, text))
    bar, tint = _SAFETY.get(word, _SAFETY["NOTE"])
    text = re.sub(r"^(\w+:)", r"**\1**", text)
    pdf.body()
    width = pdf.epw - 9
    height = _height(pdf, text, width) + 4
    pdf.keep(height + 22)
    pdf.ln(0.8)
    top = pdf.get_y()
    pdf.set_fill_color(*tint)
    pdf.rect(MARGIN, top, pdf.epw, height, style="F")
    pdf.set_fill_color(*bar)
    pdf.rect(MARGIN, top, 2.5, height, style="F")
    pdf.set_xy(MARGIN + 6, top + 2)
    pdf.multi_cell(width, LINE, text, align="L", markdown=True)
    pdf.set_xy(MARGIN, top + height)
    pdf.ln(GAP + 0.6)


def _height(pdf: ManualPdf, text: str, width: float) -> float:
    """Height in mm that a text takes."""
    height = pdf.multi_cell(
        width,
        LINE,
        text,
        align="L",
        markdown=True,
        dry_run=True,
        output=MethodReturnValue.HEIGHT,
    )
    return float(height)  # type: ignore[arg-type]


def _draw_table(pdf: ManualPdf, rows: Sequence[Sequence[str]]) -> None:
    widths = _column_widths(pdf, rows)
    pdf.set_font(FONT, size=9)
    pdf.set_text_color(*INK)
    pdf.set_draw_color(*RULE)
    pdf.set_fill_color(255, 255, 255)
    pdf.set_line_width(0.15)
    with pdf.table(
        rows,
        col_widths=widths,
        width=pdf.epw,
        line_height=4.4,
        padding=(1.1, 2),
        text_align="LEFT",
        v_align="TOP",
        borders_layout=TableBordersLayout.ALL,
        headings_style=FontFace(emphasis="BOLD", color=INK, fill_color=_HEAD_FILL),
        markdown=False,
    ):
        pass
    pdf.ln(GAP + 1.5)


def _column_widths(pdf: ManualPdf, rows: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """Widths in mm: every column holds its longest word, what is left goes by length of text."""
    pdf.set_font(FONT, "B", 9)
    columns = list(zip(*rows, strict=True))
    least = [
        max(pdf.get_string_width(word) for cell in column for word in (cell.split() or [""])) + 5
        for column in columns
    ]
    wanted = [max(pdf.get_string_width(cell) for cell in column) + 5 for column in columns]
    spare = pdf.epw - sum(least)
    asked = [max(0.0, want - need) for want, need in zip(wanted, least, strict=True)]
    total = sum(asked)
    if total <= spare:
        share = [ask + (spare - total) / len(columns) for ask in asked]
    else:
        roots = [ask**0.7 for ask in asked]
        share = [spare * root / sum(roots) for root in roots]
    return tuple(need + extra for need, extra in zip(least, share, strict=True))


def _rows(group: Sequence[Token]) -> Iterator[list[str]]:
    cells: list[str] = []
    for token in group:
        if token.type == "tr_open":
            cells = []
        elif token.type == "inline":
            cells.append(_plain(token))
        elif token.type == "tr_close":
            yield cells


def _quoted(group: Sequence[Token]) -> Iterator[str]:
    for token in group:
        if token.type == "inline":
            yield _styled(token)


def _items(group: Sequence[Token]) -> Iterator[tuple[str, str]]:
    marker = ""
    for token in group:
        if token.type == "list_item_open":
            marker = f"{token.info}." if token.info else "-"
        elif token.type == "inline":
            yield marker, _styled(token)


def _plain(token: Token) -> str:
    return "".join(_text(child) for child in token.children or ())


def _text(child: Token) -> str:
    """Words of an inline token; a number keeps its unit on the same line."""
    text = " " if child.type == "softbreak" else child.content
    return _BEFORE_UNIT.sub("\u00a0", text)


def _styled(token: Token) -> str:
    """Inline text in fpdf2's own marks: **bold** and __italic__."""
    marks = {"strong_open": "**", "strong_close": "**", "em_open": "__", "em_close": "__"}
    parts = []
    for child in token.children or ():
        parts.append(marks.get(child.type) or re.sub(r"([*_~-])(?=\1)", r"\\\1", _text(child)))
    return "".join(parts)
