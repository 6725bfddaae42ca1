"""Draws a series in the terminal."""

from datetime import datetime
from zoneinfo import ZoneInfo

import plotext
from rich.text import Text

from copilot_tools.display import format_value, printable
from copilot_tools.facts import Series

HEIGHT = 12
TICKS = 5


def draw_trend(series: Series, zone: ZoneInfo, width: int) -> Text:
    """The series as a line chart `width` characters wide, with its normal range as lines."""
    points = [
        (time.timestamp(), value)
        for time, value in zip(series.times, series.values, strict=True)
        if value is not None
    ]
    title = f"{series.subject} {series.name} ({series.unit})" if series.unit else series.name
    if len(points) < 2:
        only = f": {format_value(points[0][1], series.unit)}" if points else ": no good values"
        return Text(printable(title + only))
    times, values = [list(column) for column in zip(*points, strict=True)]
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(min(width, 110), HEIGHT)
    plotext.title(printable(title))
    plotext.plot(times, values, marker="braille")
    for limit in (series.normal.low, series.normal.high) if series.normal else ():
        if limit is not None and min(values) <= limit <= max(values):
            plotext.hline(limit)
    marks = [times[0] + (times[-1] - times[0]) * i / (TICKS - 1) for i in range(TICKS)]
    plotext.xticks(marks, [_label(mark, times[-1] - times[0], zone) for mark in marks])
    return Text.from_ansi(plotext.build())


def _label(moment: float, span: float, zone: ZoneInfo) -> str:
    form = "%H:%M" if span < 36 * 3600 else "%d.%m."
    return datetime.fromtimestamp(moment, zone).strftime(form)
