"""How manuals word what matters: captions, steps and safety notes, in any parsed format."""

import re

CAPTION = re.compile(r"^(?:Table|TABLE|Tab\.|Tabelle|Tabela|Tableau|Tabla)\s*[\dA-Z]")
MARKER = re.compile(r"(?:\d{1,2}[.)]|[a-z][.)]|[-\u2022\u2023\u25aa\u25cf\u2013])")
STEP = re.compile(rf"^{MARKER.pattern}\s+\S")
WARNING = re.compile(
    r"^(?:DANGER|WARNING|CAUTION|NOTICE|NOTE|ATTENTION|IMPORTANT"
    r"|GEFAHR|WARNUNG|VORSICHT|ACHTUNG|HINWEIS|PERIGO|ADVERTÊNCIA|CUIDADO|ATENÇÃO)\b"
)
_LEADER = re.compile(r"(?:\.\s?){4,}\s*\d+$")
HEADING_NUMBER = re.compile(
    r"^(?:(?:Chapter|Section|Appendix|Annex)\s+)?(\d{1,3}(?:\.\d{1,3}){0,4})\.?\s+(?=\S)"
)


def is_contents_line(text: str) -> bool:
    """Whether a line is an entry of a table of contents: a name, dots and a page number."""
    return bool(_LEADER.search(text[-60:]))
