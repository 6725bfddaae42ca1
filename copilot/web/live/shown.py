"""A live value as pages show it: with unit, quality and time, and what is wrong with it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from copilot.web.live.points import STATE, Watched, place
from copilot_tools.display import format_value, printable
from copilot_tools.facts import Quality, Value
from copilot_tools.readings import JudgedReading
from copilot_tools.sources.protocols import Reading

UNCONFIRMED_AFTER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of one point.

    `state` is `usual`, `outside` (of the normal range), the alarm limit that is passed, or of a
    machine its state. `words` say what is not as it should be. `bar` is the place on its bar.
    """

    key: str
    text: str
    unit: str
    value: Value
    quality: Quality
    time: datetime
    state: str
    words: str = ""
    bar: float | None = None

    def piece(self, at: datetime) -> bytes:
        """Its member of the JSON object of an event; `at` is when it was read, not measured."""
        told: dict[str, Any] = {
            "text": self.text,
            "unit": self.unit,
            "quality": self.quality.value,
            "time": self.time.isoformat(timespec="milliseconds"),
            "at": at.isoformat(timespec="milliseconds"),
            "value": self.value if not isinstance(self.value, datetime) else self.text,
            "state": self.state,
            "words": self.words,
            "bar": self.bar,
        }
        return json.dumps({self.key: told}, allow_nan=False)[1:-1].encode()


def show(watched: Watched, reading: Reading, resting: datetime | None, zone: ZoneInfo) -> Shown:
    """A reading of a machine that runs, or of a point that is not judged."""
    judged = JudgedReading(watched.point, reading, resting)
    value = reading.value
    if isinstance(value, str):
        value = printable(value)
    return Shown(
        key=watched.key,
        text=format_value(value, watched.point.unit, zone),
        unit=watched.point.unit,
        value=value,
        quality=judged.quality,
        time=reading.time,
        state=_state(watched, judged),
        words="" if judged.usual else _what_is_wrong(judged, zone),
        bar=place(value, watched.scale),
    )


def unconfirmed(shown: Shown) -> Shown:
    """The same once its source has not answered for a while: old, whatever it is now."""
    if shown.quality is Quality.BAD:
        return shown
    return replace(shown, quality=Quality.STALE, words="")


def _what_is_wrong(judged: JudgedReading, zone: ZoneInfo) -> str:
    """The reading in words, less the name and the value that stand beside them."""
    point = judged.point
    words = judged.words(zone).removeprefix(f"{point.name} ")
    said = words.removeprefix(format_value(judged.reading.value, point.unit))
    return printable(said.lstrip(", "))


def _state(watched: Watched, judged: JudgedReading) -> str:
    if watched.point.name == STATE and not watched.point.signal:
        usable = judged.quality in (Quality.GOOD, Quality.UNCERTAIN)
        return printable(str(judged.reading.value)) if usable else "unknown"
    if judged.exceeded is not None:
        return judged.exceeded[0]
    value, normal = judged.reading.value, judged.point.normal
    inside = not isinstance(value, int | float) or normal is None or value in normal
    return "usual" if inside else "outside"
