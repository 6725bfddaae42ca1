"""The page of a printed manual: size, type, colours, running head and foot."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fpdf import FPDF

FONT = "Helvetica"
INK = (33, 37, 41)
ACCENT = (31, 58, 86)
GREY = (110, 116, 122)
RULE = (176, 182, 188)
MARGIN = 20.0
LINE = 5.0
GAP = 2.2
# Type size in points and line height in mm by level.
HEADINGS = {1: (16, 9.0), 2: (12, 6.5), 3: (10.5, 5.5)}


class ManualPdf(FPDF):
    """An A4 manual with running head and foot."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._fields = fields
        self.set_margins(MARGIN, 27, MARGIN)
        self.set_auto_page_break(True, margin=22)
        issued = datetime.fromisoformat(str(fields["date"])).replace(tzinfo=UTC)
        self.set_creation_date(issued)
        self.set_title(str(fields["title"]))
        self.set_subject(str(fields["document"]))
        self.set_author(", ".join(fields["models"]))
        self.set_lang(str(fields["language"]))
        self.set_keywords(json.dumps(dict(fields), ensure_ascii=True, sort_keys=True))
        self.set_producer("industrial-copilot demo plant")

    def header(self) -> None:
        """Document and revision on the left, the short title on the right."""
        if self.page_no() == 1:
            return
        self._small()
        self.set_xy(MARGIN, 12)
        self.cell(60, 5, f"{self._fields['document']} rev. {self._fields['revision']}")
        short = re.split(r" - |, ", str(self._fields["title"]))[0]
        self.cell(0, 5, short, align="R")
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.line(MARGIN, 18, self.w - MARGIN, 18)
        self.set_xy(MARGIN, 27)

    def footer(self) -> None:
        """Date of issue on the left, page x of y on the right."""
        if self.page_no() == 1:
            return
        self._small()
        self.set_xy(MARGIN, -15)
        self.cell(60, 5, f"Issued {self._fields['date']}")
        self.cell(0, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    def _small(self) -> None:
        self.set_font(FONT, size=8)
        self.set_text_color(*GREY)

    def body(self, emphasis: str = "") -> None:
        """Set the type of running text."""
        self.set_font(FONT, emphasis, 10)
        self.set_text_color(*INK)

    def room(self) -> float:
        """Height left on the page, in mm."""
        return float(self.page_break_trigger - self.get_y())

    def keep(self, height: float) -> None:
        """Begin a new page when less than `height` mm is left, unless the page is still empty."""
        if self.room() < height and self.get_y() > self.t_margin:
            self.add_page()

    def heading(self, level: int) -> None:
        """Set the type of a heading."""
        self.set_font(FONT, "B", HEADINGS[level][0])
        self.set_text_color(*(ACCENT if level < 3 else INK))
