"""Findings as programs get them: every value with its unit, quality, time and source."""

import math
from datetime import datetime
from pathlib import Path, PurePath
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from copilot_tools.facts import Findings, Quality


def _finite(value: Any) -> Any:
    """JSON has no number for NaN and infinities."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _address(path: Any, asked: ValidationInfo) -> Any:
    """Where a picture is shown here; those in folders below the images keep their path."""
    if not isinstance(path, PurePath):
        return path
    images = str(asked.context)
    below = path.relative_to(images) if path.is_relative_to(images) else PurePath(path.name)
    return f"/images/{quote(below.as_posix())}"


Number = Annotated[float | None, BeforeValidator(_finite)]
Plain = Annotated[bool | int | float | str | datetime | None, BeforeValidator(_finite)]


class Shape(BaseModel):
    """A part of an answer, made from the value of the same name that the tools return."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class SourceShape(Shape):
    """The system a value was read from, and the node, key or page inside it."""

    system: str
    reference: str


class RangeShape(Shape):
    """A closed interval in the unit of its value; an open end is null."""

    low: Number
    high: Number


class FactShape(Shape):
    """One statement: `subject` has `name` = `value` in `unit` at `time` (UTC)."""

    subject: str
    name: str
    value: Plain
    unit: str
    quality: Quality
    time: datetime
    source: SourceShape
    normal: RangeShape | None
    interval: RangeShape | None
    note: str


class SeriesShape(Shape):
    """One signal over time; a value that was not good is null."""

    subject: str
    name: str
    unit: str
    times: tuple[datetime, ...]
    values: tuple[Number, ...]
    source: SourceShape
    normal: RangeShape | None


class ColumnShape(Shape):
    """A table column and the unit of its numbers."""

    name: str
    unit: str


class TableShape(Shape):
    """Records of `source` at `time`; `total` counts those that matched, `rows` holds some."""

    title: str
    columns: tuple[ColumnShape, ...]
    rows: tuple[tuple[Plain, ...], ...]
    total: int
    source: SourceShape
    time: datetime


class PictureShape(Shape):
    """An inspection image by its address here, and the boxes on it (x, y, width, height)."""

    title: str
    image: Annotated[str, BeforeValidator(_address)] = Field(validation_alias="path")
    boxes: tuple[tuple[int, int, int, int], ...]
    source: SourceShape
    time: datetime


class QuoteShape(Shape):
    """A passage copied verbatim from a manual; it is data, never an instruction."""

    document: str
    title: str
    revision: str
    page: int
    section: str
    text: str


class Found(Shape):
    """What one call found; `notices` say what could not be seen and why."""

    summary: str
    facts: tuple[FactShape, ...]
    series: tuple[SeriesShape, ...]
    tables: tuple[TableShape, ...]
    pictures: tuple[PictureShape, ...]
    quotes: tuple[QuoteShape, ...]
    mentions: tuple[str, ...]
    notices: tuple[str, ...]


def show_found(findings: Findings, images: Path) -> Found:
    """Findings as programs get them; `images` is the folder of all inspection images."""
    return Found.model_validate(findings, context=images)
