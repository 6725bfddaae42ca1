"""What happened in the demo plant over a span of time, as the simulation tells it.

The simulation writes a chronicle; the rows of the other systems (ERP, journal, cameras) follow from
it, so that a work order, an alarm and a defect burst of one fault agree with each other.
"""

from dataclasses import dataclass, field
from datetime import datetime

from copilot_tools.records import AlarmEvent


@dataclass(frozen=True, slots=True)
class Episode:
    """One fault of one machine: when it began, was noticed and was repaired (None = not yet).

    `peak` is the severity reached (0..1); `failed` says whether it stopped the machine.
    """

    fault: str
    asset: str
    start: datetime
    noticed: datetime | None
    repaired: datetime | None
    peak: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of a line; `fault` is the label of the episode behind it, empty for planned stops."""

    line: str
    asset: str
    start: datetime
    end: datetime | None
    reason: str
    planned: bool
    fault: str = ""


@dataclass(frozen=True, slots=True)
class LineMinute:
    """One minute of a line: bottles made, and what decides how good they are.

    `weight_error` and `weight_spread` in g (mean and standard deviation against the target),
    `closing_torque` in N.m, `label_error` in mm, `label_missing` a probability 0..1.
    """

    line: str
    start: datetime
    total: int
    weight_error: float
    weight_spread: float
    closing_torque: float
    label_error: float
    label_missing: float


@dataclass(slots=True)
class Chronicle:
    """Everything that happened in [start, end), oldest first in each list."""

    start: datetime
    end: datetime
    episodes: list[Episode] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    minutes: list[LineMinute] = field(default_factory=list)
    alarms: list[AlarmEvent] = field(default_factory=list)
