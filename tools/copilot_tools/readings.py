"""Live readings judged against the plant model: can they be trusted, are they as they should be."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from copilot_tools.display import format_number, format_time, format_value
from copilot_tools.facts import Fact, Quality, Range, Source
from copilot_tools.site.model import Limits, Node, Setpoint, Signal
from copilot_tools.sources.protocols import Reading

_NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Point:
    """Something of an asset that can be read: a signal or a setpoint."""

    name: str
    node: Node
    unit: str
    normal: Range | None = None
    limits: Limits = _NO_LIMITS
    signal: str = ""

    @classmethod
    def of_signal(cls, signal: Signal) -> "Point":
        """The point of a measured signal."""
        return cls(signal.name, signal.node, signal.unit, signal.normal, signal.limits, signal.id)

    @classmethod
    def of_setpoint(cls, setpoint: Setpoint) -> "Point":
        """The point of a setpoint; its bounds take the place of a normal range."""
        return cls(f"{setpoint.name} setpoint", setpoint.node, setpoint.unit, setpoint.bounds)

    def unjudged(self) -> "Point":
        """The same without normal range and limits, which hold for a running machine only."""
        return replace(self, normal=None, limits=_NO_LIMITS) if self.signal else self


@dataclass(frozen=True, slots=True)
class JudgedReading:
    """A reading of a point; `resting` is since when a signal that used to move has not."""

    point: Point
    reading: Reading
    resting: datetime | None = None

    @property
    def quality(self) -> Quality:
        """The quality of the reading; a setpoint may rest, a measured value must not."""
        if self.reading.quality is Quality.STALE and not self.point.signal:
            return Quality.GOOD
        frozen = self.resting is not None and self.reading.quality is Quality.GOOD
        return Quality.UNCERTAIN if frozen else self.reading.quality

    @property
    def exceeded(self) -> tuple[str, float] | None:
        """The outermost alarm limit that the value is beyond: its name and value."""
        value, limits = self.reading.value, self.point.limits
        if not isinstance(value, int | float):
            return None
        for name, limit in (("high-high", limits.high_high), ("high", limits.high)):
            if limit is not None and value > limit:
                return name, limit
        for name, limit in (("low-low", limits.low_low), ("low", limits.low)):
            if limit is not None and value < limit:
                return name, limit
        return None

    @property
    def usual(self) -> bool:
        """Good, within its normal range and its limits."""
        value, normal = self.reading.value, self.point.normal
        inside = not isinstance(value, int | float) or normal is None or value in normal
        return self.quality is Quality.GOOD and inside and self.exceeded is None

    def facts(self, asset: str) -> Iterator[Fact]:
        """The reading, and what the summary says of it beyond."""
        source = Source("OPC UA", str(self.point.node))
        time, name = self.reading.time, self.point.name
        status = self.reading.status
        note = "" if status == "Good" else status
        yield Fact(
            asset,
            name,
            self.reading.value,
            source,
            time,
            self.point.unit,
            self.quality,
            self.point.normal,
            note=note,
        )
        if self.resting is not None:
            yield Fact(asset, f"{name} unchanged since", self.resting, source, self.resting)
        if self.exceeded is not None:
            limit, value = self.exceeded
            full = f"{name} {limit} limit"
            yield Fact(asset, full, value, Source("plant model", full), time, self.point.unit)

    def words(self, zone: ZoneInfo) -> str:
        """The reading in words, with what keeps it from being current or normal."""
        name, unit, value = self.point.name, self.point.unit, self.reading.value
        shown = f"{name} {format_value(value, unit)}"
        match self.quality:
            case Quality.BAD:
                return f"{name} has no good value ({self.reading.status})"
            case Quality.STALE:
                when = format_time(self.reading.time, zone)
                return f"{name} is not current, last {format_value(value, unit)} at {when}"
            case Quality.UNCERTAIN if self.resting is not None:
                since = format_time(self.resting, zone)
                return f"{shown}, unchanged since {since} and so perhaps frozen"
            case Quality.UNCERTAIN:
                return f"{shown} (uncertain: {self.reading.status})"
        if self.exceeded is not None:
            limit, bound = self.exceeded
            side = "above" if limit.startswith("high") else "below"
            return f"{shown}, {side} its {limit} limit of {format_value(bound, unit)}"
        if not self.usual:
            return f"{shown}, outside its normal range {format_range(self.point.normal)}"
        return shown


def format_range(normal: Range | None) -> str:
    """A range in words: "40 to 60"."""
    low, high = (normal.low, normal.high) if normal else (None, None)
    ends = (
        f"from {format_number(low)}" if low is not None and high is None else "",
        format_number(low) if low is not None and high is not None else "",
        f"to {format_number(high)}" if high is not None else "",
    )
    return " ".join(end for end in ends if end)
