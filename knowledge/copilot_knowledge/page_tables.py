"""Tables of a PDF page, rebuilt from rules and from the gaps between columns.

Extractors read a table line by line and so mix its cells; here each row comes out whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import mean

from copilot_knowledge.page_layout import Band, Line, Span


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row; `bold` says that all of it is set in bold, as heads are."""

    cells: tuple[str, ...]
    bold: bool

    @property
    def text(self) -> str:
        """The row on one line, its cells parted by " | "."""
        return " | ".join(self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one table on one page, from top to bottom."""

    rows: tuple[TableRow, ...]


Item = Line | Table


def join_text(first: str, second: str) -> str:
    """Two lines of running text as one; a hyphen at the line end stays and closes up."""
    if first.endswith("-") and first[-2:-1].isalpha() and second[:1].isalnum():
        return first + second
    return f"{first} {second}" if first else second


def arrange(lines: Sequence[Line], ruled: Sequence[Sequence[Band]]) -> list[Item]:
    """Lines and tables of a page in reading order."""
    items: list[Item] = []
    loose: list[Line] = []
    index = 0
    while index < len(lines):
        bands = next((b for b in ruled if is_inside(lines[index], b)), None)
        if bands is None:
            loose.append(lines[index])
            index += 1
            continue
        end = index
        while end < len(lines) and is_inside(lines[end], bands):
            end += 1
        items += _arrange_unruled(loose)
        loose = []
        items += _ruled_table(lines[index:end], bands)
        index = end
    return items + _arrange_unruled(loose)


def is_inside(line: Line, bands: Sequence[Band]) -> bool:
    """Whether a line stands in a ruled table."""
    middle = (line.top + line.bottom) / 2
    first, last = bands[0], bands[-1]
    return first.top < middle < last.bottom and first.x0 - 3 < line.x0 < first.x1 + 3


def _ruled_table(lines: Sequence[Line], bands: Sequence[Band]) -> list[Item]:
    """The tables between these rules; bands that hold running text are not part of one."""
    items: list[Item] = []
    for tabular, run in groupby(_filled(lines, bands), key=lambda pair: _is_tabular(*pair)):
        rows = [inside for _, inside in run]
        if tabular:
            columns = _extents(span for row in rows for line in row for span in line.spans)
            items.append(Table(tuple(_row(row, columns) for row in rows)))
        else:
            items += _arrange_unruled([line for row in rows for line in row])
    return items


def _filled(lines: Sequence[Line], bands: Sequence[Band]) -> Iterator[tuple[Band, list[Line]]]:
    for band in bands:
        inside = [x for x in lines if band.top < (x.top + x.bottom) / 2 < band.bottom]
        if inside:
            yield band, inside


def _is_tabular(band: Band, lines: Sequence[Line]) -> bool:
    """Whether lines between two rules are cells side by side rather than running text."""
    cells = _extents(span for line in lines for span in line.spans)
    widest = max(x1 - x0 for x0, x1 in cells)
    return len(cells) > 1 and widest < 0.85 * (band.x1 - band.x0)


def _arrange_unruled(lines: Sequence[Line]) -> list[Item]:
    items: list[Item] = []
    index = 0
    while index < len(lines):
        end = _table_end(lines, index)
        run = lines[index:end]
        if sum(len(line.spans) > 1 for line in run) < 2:
            items.append(lines[index])
            index += 1
        elif _is_prose(run):
            items += _columns_in_turn(run)
            index = end
        else:
            items.append(_unruled_table(run))
            index = end
    return items


def _table_end(lines: Sequence[Line], start: int) -> int:
    """Index after the last line that shares columns with the line at `start`."""
    if len(lines[start].spans) < 2:
        return start + 1
    columns = _columns(lines[start : start + 1])
    end = start + 1
    while end < len(lines):
        line, above = lines[end], lines[end - 1]
        if line.top - above.bottom > 1.5 * line.height:
            break
        if len(line.spans) > 1:
            widened = _columns(lines[start : end + 1])
            if len(widened) < 2:
                break
            columns = widened
        elif not _goes_on(line, above, columns):
            break
        end += 1
    return end


def _goes_on(line: Line, above: Line, columns: Sequence[tuple[float, float]]) -> bool:
    """Whether a lone span continues a cell; left-most and set apart it is the next paragraph."""
    span = line.spans[0]
    limits = [*(x0 for x0, _ in columns[1:]), float("inf")]
    number = next((i for i, (x0, _) in enumerate(columns) if abs(span.x0 - x0) < 3), None)
    if number is None or span.x1 > limits[number]:
        return False
    return number > 0 or line.top - above.bottom < 0.5 * line.height


def _columns(lines: Iterable[Line]) -> list[tuple[float, float]]:
    """Extents of the columns that these lines show; a lone span shows none."""
    return _extents(span for line in lines if len(line.spans) > 1 for span in line.spans)


def _extents(spans: Iterable[Span]) -> list[tuple[float, float]]:
    """Horizontal extents from left to right: what no gutter parts belongs together."""
    extents: list[tuple[float, float]] = []
    for x0, x1 in sorted((span.x0, span.x1) for span in spans):
        if extents and x0 < extents[-1][1] + 1:
            extents[-1] = (extents[-1][0], max(extents[-1][1], x1))
        else:
            extents.append((x0, x1))
    return extents


def _row(lines: Sequence[Line], columns: Sequence[tuple[float, float]]) -> TableRow:
    cells = [""] * len(columns)
    for line in lines:
        for span in line.spans:
            best = max(range(len(columns)), key=lambda i: _overlap(span, columns[i]))
            cells[best] = join_text(cells[best], span.text)
    return TableRow(tuple(cells), all(line.bold for line in lines))


def _overlap(span: Span, column: tuple[float, float]) -> float:
    """Shared width; negative is the distance of a span that misses the column."""
    return min(span.x1, column[1]) - max(span.x0, column[0])


def _unruled_table(lines: Sequence[Line]) -> Table:
    columns = _columns(lines)
    gaps = [lower.top - upper.bottom for upper, lower in pairwise(lines)]
    spaced = _is_spaced(lines)
    rows = [[lines[0]]]
    for line, gap in zip(lines[1:], gaps, strict=True):
        if spaced:
            new_row = gap > min(gaps) + 0.3 * line.height
        else:
            new_row = abs(line.x0 - columns[0][0]) < 3 or _overlap(line.spans[0], columns[0]) > 0
        if new_row:
            rows.append([line])
        else:
            rows[-1].append(line)
    return Table(tuple(_row(row, columns) for row in rows))


def _is_spaced(lines: Sequence[Line]) -> bool:
    """Whether rows are set apart by more than the line spacing inside a cell."""
    gaps = [lower.top - upper.bottom for upper, lower in pairwise(lines)]
    return bool(gaps) and max(gaps) > min(gaps) + 0.3 * lines[0].height


def _is_prose(lines: Sequence[Line]) -> bool:
    """Whether two columns hold running text rather than cells."""
    both = [line for line in lines if len(line.spans) == 2]
    if len(_columns(lines)) != 2 or len(both) < 6 or _is_spaced(lines):
        return False
    return mean(len(span.text) for line in both for span in line.spans) > 30


def _columns_in_turn(lines: Sequence[Line]) -> list[Item]:
    columns = _columns(lines)
    turns: list[list[Item]] = [[] for _ in columns]
    for line in lines:
        for span in line.spans:
            best = max(range(len(columns)), key=lambda i: _overlap(span, columns[i]))
            turns[best].append(Line((span,)))
    return [item for turn in turns for item in turn]
