"""A handover as Markdown; nothing that was said or found can become markup of its own."""

import re
from collections.abc import Iterator

from copilot.web.handover.gather import Grid, HandedTurn, Handover
from copilot_tools.display import printable
from copilot_tools.facts import Quote

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$!])")
_LINE_MARKS = re.compile(r"^(\s*)([-+=:]|\d+(?=[.)](?:\s|$)))", re.MULTILINE)


def write_markdown(handover: Handover) -> str:
    """The handover as CommonMark with tables."""
    return "\n".join(_lines(handover)) + "\n"


def escape(text: str) -> str:
    """The text so that Markdown shows it as it is; line breaks stay."""
    marked = _MARKUP.sub(r"\\\1", printable(text, lines=True).replace("\t", " "))
    return _LINE_MARKS.sub(_escape_line, marked)


def _escape_line(found: re.Match[str]) -> str:
    # Four spaces would begin a block of code; a number a list, at its dot.
    mark = found[2]
    return f"{mark}\\" if mark[0].isdigit() else f"\\{mark}"


def _lines(handover: Handover) -> Iterator[str]:
    yield f"# {_line(handover.site)}: handover"
    yield ""
    yield f"By {_line(handover.person)} ({handover.role}), {handover.made}."
    yield f"All times are plant time ({handover.zone})."
    for turn in handover.turns:
        yield ""
        yield from _turn(turn)


def _turn(turn: HandedTurn) -> Iterator[str]:
    yield f"## {_line(turn.question)}"
    yield ""
    yield f"Asked {turn.asked}."
    if turn.answer:
        yield ""
        yield _paragraph(turn.answer)
    for notice in turn.notices:
        yield ""
        yield f"Note: {_line(notice)}"
    for filed in turn.proposals:
        yield ""
        yield (
            f"Proposal {_line(filed.number)}: {_line(filed.says)} "
            f"({_line(filed.state)} when it was asked for)"
        )
    for grid in turn.grids:
        yield ""
        yield from _grid(grid)
    for quote in turn.quotes:
        yield ""
        yield from _quote(quote)


def _grid(grid: Grid) -> Iterator[str]:
    if grid.title:
        yield f"{_line(grid.title)}:"
        yield ""
    yield _row(grid.columns)
    yield "|" + " --- |" * len(grid.columns)
    yield from (_row(row) for row in grid.rows)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_line(cell) for cell in cells) + " |"


def _quote(quote: Quote) -> Iterator[str]:
    for line in _paragraph(quote.text).split("\n"):
        yield f"> {line}"
    section = f", {quote.section}" if quote.section else ""
    where = f"{quote.title} ({quote.document}), rev. {quote.revision}, page {quote.page}{section}"
    yield ">"
    yield f"> {_line(where)}"


def _line(text: str) -> str:
    return escape(" ".join(text.split()))


def _paragraph(text: str) -> str:
    """Its lines, each kept on a line of its own."""
    kept = [" ".join(line.split()) for line in text.split("\n")]
    return "\\\n".join(escape(line) for line in kept if line)
