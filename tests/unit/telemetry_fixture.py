"""A plant of a few machines whose sources are kept in memory; only the history is real."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from copilot.events import Outcome
from copilot.grounding import ungrounded
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Fact, Findings, Quality, Value
from copilot_tools.plant import Plant
from copilot_tools.records import AlarmEvent, ProductionOrder, WorkOrder, WorkOrderStatus
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Node
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.protocols import AlarmState, Reading
from copilot_tools.tool import Call, Tool

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = np.timedelta64(60, "s")

SITE = """\
[site]
id = "small"
name = "Small works"
time_zone = "Europe/Berlin"
namespace = "urn:small"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "PH"
name = "Pump house"
[[area]]
id = "HALL"
name = "Filling hall"
[[line]]
id = "L1"
name = "Line 1"
ideal_rate = 100

[[asset]]
id = "K-1"
name = "Raw pump"
kind = "pump"
area = "PH"
model = "Acme 7"
state = "s=K-1.state"
[[asset.signal]]
name = "speed"
node = "s=K-1.speed"
unit = "rpm"
[[asset.signal]]
name = "flow"
node = "s=K-1.flow"
unit = "m3/h"
normal = [40.0, 60.0]
limits = { low_low = 10.0, low = 30.0, high = 80.0 }
[[asset.signal]]
name = "bearing temperature"
node = "s=K-1.bearing"
unit = "degC"
[[asset.signal]]
name = "bearing vibration"
node = "s=K-1.vibration"
unit = "mm/s"
[[asset.signal]]
name = "running hours"
node = "s=K-1.hours"
unit = "h"
counter = true
[[asset.setpoint]]
name = "speed"
node = "s=K-1.target"
unit = "rpm"
bounds = [600.0, 2950.0]
[[asset.component]]
name = "bearing"
part = "BRG-1"
wear = { signal = "bearing vibration", threshold = 7.1 }
[[asset.component]]
name = "coupling"
[[asset.alarm]]
id = "ALM-1"
message = "flow low"
severity = "high"
node = "s=K-1.flow_low"
signal = "flow"
[[asset.alarm]]
id = "ALM-2"
message = "bearing hot"
severity = "critical"
node = "s=K-1.hot"

[[asset]]
id = "K-2"
name = "Spare pump"
kind = "pump"
area = "PH"
state = "s=K-2.state"
[[asset.alarm]]
id = "ALM-3"
message = "no power"
severity = "low"
node = "s=K-2.power"

[[asset]]
id = "F-1"
name = "Filler"
kind = "filler"
area = "HALL"
line = "L1"
state = "s=F-1.state"
[[asset.signal]]
name = "speed"
node = "s=F-1.speed"
unit = "bpm"
[[asset.signal]]
name = "fill weight"
node = "s=F-1.weight"
unit = "g"

[[asset]]
id = "T-1"
name = "Tank"
kind = "tank"
area = "PH"
[[asset.signal]]
name = "level"
node = "s=T-1.level"
unit = "%"
"""


@dataclass
class MemoryTelemetry:
    """Live values by node identifier; `down` makes it a dead server."""

    readings: dict[str, Reading] = field(default_factory=dict)
    down: Unavailable | None = None

    def set(
        self,
        name: str,
        value: Value,
        quality: Quality = Quality.GOOD,
        status: str = "Good",
        time: datetime = NOW,
    ) -> None:
        node = Node("urn:small", f"s={name}")
        self.readings[node.identifier] = Reading(node, value, quality, time, status)

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        if self.down:
            raise self.down
        unknown = [Reading(node, None, Quality.BAD, NOW, "BadNodeIdUnknown") for node in nodes]
        return [self.readings.get(u.node.identifier, u) for u in unknown]

    async def close(self) -> None:
        return None


@dataclass
class MemoryAlarms:
    """Standing alarms; `down` makes it a dead server."""

    states: list[AlarmState] = field(default_factory=list)
    down: Unavailable | None = None

    async def standing(self) -> list[AlarmState]:
        if self.down:
            raise self.down
        return self.states


@dataclass
class MemoryJournal:
    """Alarm events; `down` makes it a dead database."""

    written: list[AlarmEvent] = field(default_factory=list)
    down: Unavailable | None = None

    async def events(
        self, start: datetime, end: datetime, assets: Sequence[str] | None = None
    ) -> list[AlarmEvent]:
        if self.down:
            raise self.down
        chosen = (e for e in self.written if start <= e.time < end)
        return sorted((e for e in chosen if assets is None or e.asset in assets), key=_time)


def _time(event: AlarmEvent) -> datetime:
    return event.time


@dataclass
class MemoryErp:
    """Work orders and production orders; `down` makes it a dead database."""

    jobs: list[WorkOrder] = field(default_factory=list)
    production: list[ProductionOrder] = field(default_factory=list)
    down: Unavailable | None = None

    async def work_orders(
        self, assets: Sequence[str] | None, start: datetime | None, end: datetime | None
    ) -> list[WorkOrder]:
        if self.down:
            raise self.down
        return [job for job in self.jobs if assets is None or job.asset in assets]

    async def production_orders(self) -> list[ProductionOrder]:
        if self.down:
            raise self.down
        return self.production


@dataclass
class Works:
    """The plant with its sources, for tests to arrange."""

    plant: Plant
    telemetry: MemoryTelemetry
    history: ParquetHistory
    alarms: MemoryAlarms
    journal: MemoryJournal
    erp: MemoryErp

    async def ask(self, tool: Tool, **arguments: Any) -> Findings:
        """What a tool finds; every number it says must stand in its facts."""
        call: Call = tool.check(arguments)
        findings = await tool.run(self.plant, call)
        said = " ".join((findings.summary, *findings.notices))
        outcome = Outcome(0, call, findings, 0.0)
        assert ungrounded(said, [outcome], self.plant.site.time_zone) == []
        return findings

    def store(self, end: datetime = NOW, **columns: Iterable[float]) -> None:
        """Store minute values up to `end`; names are like `K_1__bearing_temperature`."""
        arrays = {_signal(name): np.array(list(column), float) for name, column in columns.items()}
        length = len(next(iter(arrays.values())))
        last = np.datetime64(end.replace(tzinfo=None), "us")
        self.history.append_arrays(last - MINUTE * np.arange(length, 0, -1), arrays)


def _signal(name: str) -> str:
    asset, _, signal = name.partition("__")
    return f"{asset.replace('_', '-')}.{signal.replace('_', ' ')}"


def build_works(folder: Path, now: datetime = NOW) -> Works:
    """A works whose sources are empty and up."""
    site = parse_site(SITE)
    telemetry, alarms, journal, erp = (
        MemoryTelemetry(),
        MemoryAlarms(),
        MemoryJournal(),
        MemoryErp(),
    )
    history = ParquetHistory(folder / "history")
    absent: Any = None
    business: Any = erp
    plant = Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=telemetry,
        history=history,
        alarms=alarms,
        journal=journal,
        erp=business,
        inspections=absent,
        library=absent,
        now=lambda: now,
    )
    return Works(plant, telemetry, history, alarms, journal, erp)


def fact(findings: Findings, name: str, subject: str | None = None) -> Fact:
    """The one fact of that name."""
    found = [f for f in findings.facts if f.name == name and subject in (None, f.subject)]
    assert len(found) == 1, [f.name for f in findings.facts]
    return found[0]


def days(number: float) -> timedelta:
    """That many days."""
    return timedelta(days=number)


def job(finished_days_ago: float, **changes: Any) -> WorkOrder:
    """A repair of the bearing of K-1 that was done so many days ago."""
    values: dict[str, Any] = {
        "number": "WO-7",
        "asset": "K-1",
        "title": "look at it",
        "kind": "corrective",
        "priority": "medium",
        "status": WorkOrderStatus.DONE,
        "created": NOW - days(finished_days_ago + 1),
        "due": None,
        "finished": NOW - days(finished_days_ago),
        "component": "bearing",
        "cause": "",
        "remedy": "",
        "assignee": "",
        "hours": 1.0,
        "parts": (),
    }
    return WorkOrder(**{**values, **changes})
