"""What a picture is of: line, product, lot and time, said beside it, in its name or beforehand."""

import json
import re
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

from copilot_tools.vision.pictures import Refused

NAMES = ("line", "product", "lot", "time")
LONGEST = {"line": 20, "product": 80, "lot": 20}
SIDE_CAR = ".json"
_COMPACT = re.compile(r"(\d{8}T\d{6})(?:\.\d+)?Z?$")


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of a part; empty and None where nothing is."""

    line: str = ""
    product: str = ""
    lot: str = ""
    time: datetime | None = None

    def or_else(self, other: "Labels") -> "Labels":
        """The same, with what is missing from `other`."""
        missing = {
            f.name: getattr(other, f.name) for f in fields(self) if not getattr(self, f.name)
        }
        return replace(self, **missing)


class NamePattern:
    """How file names say what they show: "{line}_{lot}_{time}"; `{*}` stands for anything else."""

    def __init__(self, pattern: str) -> None:
        parts = re.split(r"(\{[^{}]*\})", pattern)
        asked = [part[1:-1] for part in parts if part.startswith("{")]
        named = [name for name in asked if name != "*"]
        if set(named) - set(NAMES) or len(set(named)) < len(named) or not named:
            known = ", ".join(f"{{{name}}}" for name in NAMES)
            raise ValueError(f"a name pattern is made of {known} and {{*}}, each once; {pattern!r}")
        self._form = re.compile("".join(map(_as_expression, parts)))

    def read(self, name: str) -> Labels:
        """What a file name without its ending says; nothing where it does not fit."""
        fit = self._form.fullmatch(name)
        return parse_labels(fit.groupdict()) if fit else Labels()


def _as_expression(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".*?" if part == "{*}" else f"(?P<{part[1:-1]}>.+?)"


def parse_labels(said: object) -> Labels:
    """Labels from texts by name (`batch` is `lot`, too); raises Refused for what is none."""
    if not isinstance(said, dict):
        raise Refused("what is said of it is no JSON object")
    known = {("lot" if name == "batch" else name): value for name, value in said.items()}
    texts = {name: known.get(name) or "" for name in NAMES}
    for name, value in texts.items():
        if not isinstance(value, str) or len(value) > LONGEST.get(name, 40):
            raise Refused(f"its {name} is no text of at most {LONGEST.get(name, 40)} characters")
        if any(ord(letter) < 32 for letter in value):
            raise Refused(f"its {name} holds characters that cannot be shown")
    when = texts.pop("time")
    return Labels(**texts, time=_parse_time(when) if when else None)


def read_side_car(picture: Path) -> Labels:
    """What the JSON file of the same name says; nothing without one. Raises Refused."""
    file = picture.with_suffix(SIDE_CAR)
    try:
        return parse_labels(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return Labels()
    except (OSError, ValueError, RecursionError):
        raise Refused(f"{file.name} beside it is no JSON") from None


def _parse_time(text: str) -> datetime:
    """An ISO 8601 time, also compact (20261130T141005Z); without offset it is UTC."""
    compact = _COMPACT.match(text)
    try:
        if compact:
            return datetime.strptime(compact.group(1), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(f"its time {text[:40]!r} is no ISO 8601 time") from None
