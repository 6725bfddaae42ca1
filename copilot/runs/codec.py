"""Events as JSON texts and back again, without loss: what a run tells is what was kept of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from copilot.events import Answered, Ended, Event, Noticed, Outcome, Planned, Problem, Queued
from copilot_tools.changes import Change
from copilot_tools.facts import Findings

# A stored event says of these which one it is: they stand where several kinds may stand.
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Queued, Planned, Outcome, Answered, Noticed, Ended, Findings, Problem)
}
_KIND, _TIME = "is", "utc"


def write_event(event: Event) -> str:
    """An event as JSON in ASCII, which every database keeps as it is."""
    return json.dumps(_write_kind(event), separators=(",", ":"))


def read_event(text: str) -> Event:
    """The event of such a text; raises ValueError when it is none."""
    try:
        content = json.loads(text)
        event: Event = _read_kind(content)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is no event: {error}") from error
    return event


def _write(hint: Any, value: Any) -> Any:
    """The content that `_read` makes this value of, where one of this type is expected."""
    choices = _choices(hint)
    if value is None or len(choices) > 1:
        return _write_kind(value) if is_dataclass(value) else _write_plain(value)
    only = choices[0]
    if get_origin(only) is tuple:
        return [_write(inner, part) for inner, part in _parts(get_args(only), value)]
    if is_dataclass(only):
        return _write_dataclass(value)
    return value.isoformat() if only is datetime else _write_plain(value)


def _write_kind(value: Any) -> Any:
    return {_KIND: type(value).__name__, **_write_dataclass(value)}


def _write_dataclass(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    hints = _hints(kind)
    return {f.name: _write(hints[f.name], getattr(value, f.name)) for f in fields(value)}


def _write_plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _write_plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_write_plain(inner) for inner in value]
    return value


def _read(hint: Any, content: Any) -> Any:
    """What the content means where a value of this type is expected."""
    choices = _choices(hint)
    if content is None or len(choices) > 1:
        return _read_kind(content) if Findings in choices else _read_plain(content)
    only = choices[0]
    if get_origin(only) is tuple:
        return tuple(_read(inner, part) for inner, part in _parts(get_args(only), content))
    if is_dataclass(only):
        return _read_dataclass(only, content)
    if only is datetime:
        return datetime.fromisoformat(content)
    if isinstance(only, type) and issubclass(only, Enum | Path):
        return only(content)
    return _read_plain(content)


def _read_kind(content: Any) -> Any:
    return _read_dataclass(_KINDS[content[_KIND]], content)


def _read_dataclass(kind: Any, content: Any) -> Any:
    hints = _hints(kind)
    there = [f.name for f in fields(kind) if f.name in content]  # An older event may lack some.
    return kind(**{name: _read(hints[name], content[name]) for name in there})


def _parts(hints: tuple[Any, ...], values: Any) -> Iterator[tuple[Any, Any]]:
    """What a tuple holds, each part with its type."""
    if hints[-1] is Ellipsis:
        return zip(repeat(hints[0]), values, strict=False)
    return zip(hints, values, strict=True)


def _read_plain(content: Any) -> Any:
    if isinstance(content, list):
        return [_read_plain(inner) for inner in content]
    if not isinstance(content, dict):
        return content
    if set(content) == {_TIME}:
        return datetime.fromisoformat(content[_TIME])
    return {name: _read_plain(inner) for name, inner in content.items()}


def _choices(hint: Any) -> tuple[Any, ...]:
    """The types that may stand there, none apart."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(option for option in get_args(hint) if option is not NoneType)
    return (hint,)


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, localns={"Change": Change})
