"""Who a document is: front matter, PDF properties and side-car files, checked at this edge."""

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from copilot_knowledge.document import UnreadableDocument
from copilot_knowledge.untrusted import one_line

MOST_STATED = 100_000

_FENCE = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.{0,20000}?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) else value


def _day(value: Any) -> Any:
    """An ISO day, also of a time; a date in words is left out, not guessed."""
    if not isinstance(value, str):
        return value
    day = re.match(r"\d{4}-\d{2}-\d{2}", value.strip())
    return day.group() if day else None


Line = Annotated[str, BeforeValidator(_plain), Field(max_length=300)]
Names = Annotated[tuple[Line, ...], BeforeValidator(_listed), Field(max_length=1000)]


class Metadata(BaseModel):
    """Identity and applicability of a document, as its author states them."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    document: Annotated[Line, Field(min_length=1)]
    title: Line = ""
    revision: Line = ""
    date: Annotated[dt.date | None, BeforeValidator(_day)] = None
    kinds: Names = ()
    assets: Names = ()
    models: Names = ()
    language: Line = "en"
    supersedes: Line = ""
    roles: Names = ()
    effective_from: Annotated[dt.date | None, BeforeValidator(_day)] = None
    effective_until: Annotated[dt.date | None, BeforeValidator(_day)] = None


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The YAML front matter of a Markdown text (all scalars as text) and the body after it."""
    match = _FENCE.match(text)
    if match is None:
        return {}, text
    try:
        # BaseLoader keeps "1.10" and "NO" as written and builds nothing but text, lists and maps.
        fields = yaml.load(match.group(1), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableDocument(f"front matter is not YAML: {one_line(str(error))}") from error
    if not isinstance(fields, dict):
        raise UnreadableDocument("front matter is not a list of fields")
    return fields, text[match.end() :]


def read_metadata(file: Path, stated: Mapping[str, Any]) -> Metadata:
    """Metadata from what the document states; a side-car `<file>.toml` overrides single fields.

    The file name stands in for an identity that nobody stated.
    """
    fields = {"document": file.stem, "title": file.stem, **stated, **_side_car(file)}
    try:
        return Metadata.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnreadableDocument(f"metadata field {where}: {first['msg']}") from error


def _side_car(file: Path) -> dict[str, Any]:
    side_car = file.with_name(f"{file.name}.toml")
    if not side_car.is_file():
        return {}
    try:
        if side_car.stat().st_size > MOST_STATED:
            raise UnreadableDocument(f"side-car {side_car.name}: larger than {MOST_STATED} bytes")
        return tomllib.loads(side_car.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise UnreadableDocument(f"side-car {side_car.name}: {error}") from error
