"""A tank, its pump, a filter, and a capper on a line, with forty days of history in real stores."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from plant_fixture import build_plant

from copilot_knowledge.library import Library
from copilot_tools.facts import Findings, Quality
from copilot_tools.plant import Plant
from copilot_tools.root_cause import find_root_cause
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Node
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.protocols import Reading

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
USUAL = {
    "PU-1.suction pressure": (0.6, 0.02),
    "PU-1.flow": (45.0, 1.0),
    "PU-1.speed": (2900.0, 8.0),
    "PU-1.bearing vibration": (2.0, 0.15),
    "PU-1.bearing temperature": (50.0, 1.5),
    "PU-1.seal pot level": (60.0, 0.15),
    "FI-2.differential pressure": (0.4, 0.02),
    "FI-2.flow": (45.0, 1.0),
    "CA-3.closing torque": (2.1, 0.05),
    "CA-3.clutch temperature": (48.0, 1.0),
    "CA-3.head pressure": (6.0, 0.05),
    "TA-4.level": (70.0, 2.0),
    "TA-4.inflow": (45.0, 1.0),
}
CLOGGED = {"PU-1.suction pressure": -0.3, "PU-1.bearing vibration": 2.0, "PU-1.flow": -8.0}
WORN = {"PU-1.bearing vibration": 2.5, "PU-1.bearing temperature": 15.0}
LOOSE = {"CA-3.closing torque": -0.6, "CA-3.clutch temperature": 20.0}

_ASSETS = """
[[line]]
id = "LA"
name = "Cup line"
ideal_rate = 100
[[asset]]
id = "PU-1"
name = "Pump"
kind = "pump"
area = "A"
feeds = ["FI-2"]
documents = ["PU-MAN-1"]
{PU-1}
[[asset.setpoint]]
name = "speed"
node = "s=PU-1.speed setpoint"
unit = "rpm"
bounds = [1000.0, 3000.0]
[[asset.component]]
name = "DE bearing"
part = "BRG-6309"
[[asset.alarm]]
id = "A-1"
message = "low suction pressure"
severity = "high"
node = "s=A-1"
signal = "suction pressure"
limit = 0.35
[[asset]]
id = "FI-2"
name = "Filter"
kind = "filter"
area = "A"
{FI-2}
[[asset]]
id = "CA-3"
name = "Capper"
kind = "capper"
area = "A"
line = "LA"
{CA-3}
[[asset]]
id = "TA-4"
name = "Tank"
kind = "tank"
area = "A"
feeds = ["PU-1"]
{TA-4}
"""
MANUAL = """\
---
document: PU-MAN-1
title: Pump manual
revision: "B"
---
# 1 Bearings

## 1.2 Removing and fitting the DE bearing

Heat the new DE bearing to 110 degC before fitting it; removing it takes a puller.
"""


def _signals(asset: str) -> str:
    names = [key.partition(".")[2] for key in USUAL if key.startswith(f"{asset}.")]
    return "".join(f'[[asset.signal]]\nname = "{n}"\nnode = "s={asset}.{n}"\n' for n in names)


_TEXT = _ASSETS
for _asset in ("PU-1", "FI-2", "CA-3", "TA-4"):
    _TEXT = _TEXT.replace(f"{{{_asset}}}", _signals(_asset))
SITE = parse_site(
    '[site]\nid = "x"\nname = "X"\ntime_zone = "UTC"\nnamespace = "u"\n'
    '[[shift]]\nname = "d"\nstart = 06:00:00\n[[area]]\nid = "A"\nname = "Hall"\n' + _TEXT
)


class Panel:
    """Setpoints that are read live; nothing else is."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = {SITE.assets["PU-1"].setpoints[0].node: values.get("PU-1.speed", 2900.0)}

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        return [Reading(n, self._values[n], Quality.GOOD, NOW, "Good") for n in nodes]

    async def close(self) -> None:
        return None


def build(
    folder: Path,
    moved: Mapping[str, float],
    rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    *,
    setpoints: Mapping[str, float] | None = None,
    still: Sequence[str] = (),
    daily: Mapping[str, float] | None = None,
) -> Plant:
    """A plant in which some signals have moved for three days, and some stand still for one.

    `daily` is by how much a signal has always changed from day to day.
    """
    folder.mkdir(exist_ok=True)
    count = 40 * 24 * 6
    start = np.datetime64(NOW.replace(tzinfo=None)) - np.timedelta64(40, "D")
    times = (start + np.arange(count) * np.timedelta64(600, "s")).astype("datetime64[us]")
    noise = np.random.default_rng(3)
    values = {}
    for key, (mean, spread) in USUAL.items():
        course = noise.normal(mean, spread, count)
        course += (daily or {}).get(key, 0.0) * np.arange(count) / 144
        course[-3 * 144 :] += moved.get(key, 0.0)
        if key in still:
            course[-144:] = course[-145]
        values[key] = course
    history = ParquetHistory(folder / "history")
    history.append_arrays(times, values)
    manuals = folder / "manuals"
    manuals.mkdir()
    (manuals / "pump.md").write_text(MANUAL, encoding="utf-8")
    return replace(
        build_plant(folder, rows or {}),
        site=SITE,
        resolver=Resolver(SITE),
        history=history,
        telemetry=Panel(setpoints or {}),
        library=Library.open(manuals),
    )


async def ask(plant: Plant, asset: str, symptom: str) -> Findings:
    """What the tool answers."""
    call = find_root_cause.check({"asset": asset, "symptom": symptom})
    return await find_root_cause.run(plant, call)


def support(findings: Findings, mode: str) -> float:
    """The support of a mode in the table of causes; 0 where it is not named."""
    rows = [row for table in findings.tables for row in table.rows]
    return next((float(str(row[2])) for row in rows if row[0] == mode), 0.0)
