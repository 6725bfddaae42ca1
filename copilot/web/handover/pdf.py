"""A handover as PDF, for printing and signing."""

from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from copilot.web.handover.gather import Grid, HandedTurn, Handover
from copilot_tools.display import printable
from copilot_tools.facts import Quote

INK, GREY, RULE = (33, 37, 41), (96, 102, 108), (176, 182, 188)
MARGIN, LINE = 18.0, 5.2
FAMILY, PLAIN = "Handover", "Helvetica"
# A PDF's own fonts know Western European letters only; these know what plants write, too.
FONTS = (
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/TTF/DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("C:/Windows/Fonts/arial.ttf", "arialbd.ttf"),
    ("/Library/Fonts/Arial Unicode.ttf", "Arial Unicode.ttf"),
)
_SPELLED = str.maketrans(
    {"→": "->", "≥": ">=", "≤": "<=", "–": "-", "—": "-", "…": "...", "Ω": "Ohm", "•": "-"}
    | dict.fromkeys("‘’", "'")
    | dict.fromkeys("“”„", '"')
)


def draw_pdf(handover: Handover, fonts: Sequence[tuple[str, str]] = FONTS) -> bytes:
    """The handover on A4, in the first of the fonts that is there, else in the PDF's own."""
    pdf = _Sheets(handover, fonts)
    pdf.add_page()
    pdf.write_line(f"{handover.site}: handover", 16, bold=True)
    pdf.write_line(f"By {handover.person} ({handover.role}), {handover.made}", 10, GREY)
    pdf.write_line(f"All times are plant time ({handover.zone}).", 10, GREY)
    for turn in handover.turns:
        _draw_turn(pdf, turn)
    return bytes(pdf.output())


class _Sheets(FPDF):
    """Pages with a foot, in a font that knows the letters."""

    def __init__(self, handover: Handover, fonts: Sequence[tuple[str, str]]) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._foot = f"{handover.site} · {handover.made}"
        self._font = _add_font(self, fonts)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, margin=MARGIN)
        self.set_title(self.fit(f"{handover.site}: handover"))
        self.set_author(self.fit(handover.person))

    def footer(self) -> None:
        """Which handover this is, and page x of y."""
        self.set_y(-12)
        self.ink(8, GREY)
        self.cell(self.epw / 2, 5, self.fit(self._foot))
        self.cell(self.epw / 2, 5, f"{self.page_no()} / {{nb}}", align="R")

    def fit(self, text: str) -> str:
        """The text in letters that the font has."""
        text = printable(text, lines=True).replace("\t", " ")
        if self._font == FAMILY:
            return text
        return text.translate(_SPELLED).encode("latin-1", "replace").decode("latin-1")

    def ink(self, size: float, colour: tuple[int, int, int] = INK, *, bold: bool = False) -> None:
        """Set the type."""
        self.set_font(self._font, "B" if bold else "", size)
        self.set_text_color(*colour)

    def write_line(
        self, text: str, size: float, colour: tuple[int, int, int] = INK, *, bold: bool = False
    ) -> None:
        """A paragraph over the whole width."""
        self.ink(size, colour, bold=bold)
        height = max(LINE, size * 0.5)
        self.multi_cell(0, height, self.fit(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _add_font(pdf: FPDF, fonts: Sequence[tuple[str, str]]) -> str:
    for regular, bold in fonts:
        path = Path(regular)
        if path.is_file() and path.with_name(bold).is_file():
            pdf.add_font(FAMILY, "", path)
            pdf.add_font(FAMILY, "B", path.with_name(bold))
            return FAMILY
    return PLAIN


def _draw_turn(pdf: _Sheets, turn: HandedTurn) -> None:
    pdf.ln(4)
    pdf.set_draw_color(*RULE)
    pdf.line(MARGIN, pdf.get_y(), pdf.w - MARGIN, pdf.get_y())
    pdf.ln(3)
    pdf.write_line(turn.question, 12, bold=True)
    pdf.write_line(f"Asked {turn.asked}", 8, GREY)
    if turn.answer:
        pdf.write_line(turn.answer, 10)
    for notice in turn.notices:
        pdf.write_line(f"Note: {notice}", 10)
    for filed in turn.proposals:
        state = f"({filed.state} when it was asked for)"
        pdf.write_line(f"Proposal {filed.number}: {filed.says} {state}", 10, bold=True)
    for grid in turn.grids:
        _draw_grid(pdf, grid)
    for quote in turn.quotes:
        _draw_quote(pdf, quote)


def _draw_grid(pdf: _Sheets, grid: Grid) -> None:
    pdf.ln(2)
    if grid.title:
        pdf.write_line(grid.title, 9, bold=True)
    pdf.ink(8)
    with pdf.table(
        borders_layout="HORIZONTAL_LINES",
        col_widths=_widths(grid),
        headings_style=FontFace(emphasis="BOLD"),
        line_height=4.4,
        text_align="LEFT",
    ) as table:
        for cells in (grid.columns, *grid.rows):
            row = table.row()
            for cell in cells:
                row.cell(pdf.fit(" ".join(cell.split())))


def _widths(grid: Grid) -> tuple[int, ...]:
    """Shares of the width: by the longest text of each column, within reason."""
    rows = (grid.columns, *grid.rows)
    longest = (max(len(row[place]) for row in rows) for place in range(len(grid.columns)))
    return tuple(min(max(length + 3, 9), 32) for length in longest)


def _draw_quote(pdf: _Sheets, quote: Quote) -> None:
    pdf.ln(2)
    pdf.write_line(quote.text, 9)
    section = f", {quote.section}" if quote.section else ""
    where = f"{quote.title} ({quote.document}), rev. {quote.revision}, page {quote.page}{section}"
    pdf.write_line(where, 8, GREY)
