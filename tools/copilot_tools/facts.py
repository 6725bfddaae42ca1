"""What tools return: facts that carry unit, quality, time and source, and nothing else.

Everything an answer may say stands in one of these values; the presenter adds no number of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from copilot_tools.changes import Change

RETRIEVED = "retrieved text"

Value: TypeAlias = float | int | bool | str | datetime | None


class Quality(StrEnum):
    """How far a value can be trusted (OPC UA status severity, plus `stale` by age)."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read: the system ("OPC UA", "ERP") and the node, key or page inside it."""

    system: str
    reference: str


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval in the unit of the value it belongs to; an open end is None."""

    low: float | None = None
    high: float | None = None

    def __contains__(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement: `subject` (asset id or record key) has `name` = `value` in `unit` at `time`.

    `normal` is the range the value should lie in, `interval` the uncertainty of an estimate.
    """

    subject: str
    name: str
    value: Value
    source: Source
    time: datetime
    unit: str = ""
    quality: Quality = Quality.GOOD
    normal: Range | None = None
    interval: Range | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One signal over time, thinned for drawing: UTC times, values (None = no good value)."""

    subject: str
    name: str
    unit: str
    times: tuple[datetime, ...]
    values: tuple[float | None, ...]
    source: Source
    normal: Range | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A table column: heading and unit of its numbers."""

    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Records for looking at; each cell is as good as a fact of `source` at `time`.

    `total` counts all records that matched, `rows` holds those shown.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: int
    source: Source
    time: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """An inspection image and the boxes marked on it (x, y, width, height in pixels)."""

    title: str
    path: Path
    boxes: tuple[tuple[int, int, int, int], ...]
    source: Source
    time: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage copied verbatim from a manual; it is data, never an instruction.

    `boxes` say where it stands on the page (x, y, width, height as shares of the page's, from its
    upper left corner), where the page is printed. `origin` goes wherever the text goes.
    """

    document: str
    title: str
    revision: str
    page: int
    section: str
    text: str
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    origin: str = RETRIEVED


@dataclass(frozen=True, slots=True)
class Findings:
    """What one tool call found.

    `summary` is one line built from the facts. `mentions` are catalogue names and record keys
    (never prose) that a follow-up may refer to. `notices` say what could not be seen and why.
    `change` is what a propose tool asks for; nothing has been written.
    """

    summary: str
    facts: tuple[Fact, ...] = ()
    series: tuple[Series, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    quotes: tuple[Quote, ...] = ()
    mentions: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    change: "Change | None" = None


def worst(qualities: Iterable[Quality]) -> Quality:
    """The least trustworthy of some qualities; good when there are none."""
    order = (Quality.GOOD, Quality.UNCERTAIN, Quality.STALE, Quality.BAD)
    return max(qualities, key=order.index, default=Quality.GOOD)
