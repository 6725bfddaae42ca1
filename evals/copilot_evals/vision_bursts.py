"""Planted bursts: a signal of a line drifts, a defect follows it; is it named with lot and signal?

Each case is a real plant database and a real history of sixteen hours of a demo line, with wander
and noise on every signal and drifts on others that no defect follows.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import create_engine, insert

from copilot.demo.cameras import DEFECTS
from copilot.demo.simulate import PLANT_TOML
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.quality import get_inspections
from copilot_tools.site.load import load_site
from copilot_tools.site.model import Signal, Site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources import tables
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.plant_sql import SqlAlarmJournal, SqlErp, SqlInspections
from copilot_tools.sources.sql import connect, from_utc

CASES = 50
NOW = datetime(2026, 11, 30, 16, tzinfo=UTC)
LENGTH = timedelta(hours=16)
MINUTES = int(LENGTH.total_seconds() // 60)
LOTS = ("B-101", "B-102", "B-103", "B-104")
DECOYS = 6

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Planted:
    """A burst as planted: from `onset` on (a minute) the signal moves, and the defect comes."""

    line: str
    defect: str
    signal: Signal
    rising: bool
    onset: int
    lot: str


def run_cases(cases: int = CASES, seed: int = 0) -> tuple[int, list[str]]:
    """How many planted bursts were named with defect, lot and signal, and what the others said."""
    site = load_site(PLANT_TOML)
    right, wrong = 0, []
    for number in range(cases):
        draw = Random(f"burst {seed} {number}")
        planted = plant_burst(site, draw)
        with TemporaryDirectory() as folder:
            found = asyncio.run(_ask(make_plant(site, planted, draw, Path(folder)), planted.line))
        if names(found, planted):
            right += 1
        else:
            wrong.append(f"{planted.signal.id} {planted.lot} {planted.defect}: {found.summary}")
    return right, wrong


def run_quiet(cases: int = CASES, seed: int = 0) -> int:
    """How often a burst is told where defects come by chance alone."""
    site = load_site(PLANT_TOML)
    told = 0
    for number in range(cases):
        draw = Random(f"quiet {seed} {number}")
        planted = replace(plant_burst(site, draw), onset=MINUTES)
        with TemporaryDirectory() as folder:
            found = asyncio.run(_ask(make_plant(site, planted, draw, Path(folder)), planted.line))
        told += " rose at " in found.summary
    return told


def plant_burst(site: Site, draw: Random) -> Planted:
    """A signal, a defect and a time."""
    line = draw.choice(list(site.lines))
    onset = draw.randrange(8 * 60, 14 * 60)
    return Planted(
        line=line,
        defect=draw.choice(DEFECTS),
        signal=draw.choice(_signals(site, line)),
        rising=draw.random() < 0.5,
        onset=onset,
        lot=LOTS[onset * len(LOTS) // MINUTES],
    )


def make_plant(site: Site, planted: Planted, draw: Random, folder: Path) -> Plant:
    """The plant in which it happened, in real stores below `folder`."""
    random = np.random.default_rng(draw.getrandbits(32))
    values, drift = _signal_values(site, planted, draw, random)
    start = NOW - LENGTH
    times = np.datetime64(start.replace(tzinfo=None), "us") + np.arange(MINUTES) * np.timedelta64(
        60, "s"
    )
    history = ParquetHistory(folder / "history")
    history.append_arrays(times, values)
    url = f"sqlite:///{folder / 'plant.db'}"
    writer = create_engine(url)
    tables.metadata.create_all(writer)
    with writer.begin() as connection:
        rows = _inspections(site, planted, drift, draw, start)
        connection.execute(insert(tables.inspections), rows)
    writer.dispose()
    engine = connect(url)
    absent: Any = None
    return Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=absent,
        history=history,
        alarms=absent,
        journal=SqlAlarmJournal(engine),
        erp=SqlErp(engine),
        inspections=SqlInspections(engine),
        library=absent,
        now=lambda: NOW,
    )


def names(found: Findings, planted: Planted) -> bool:
    """Whether the answer says defect, lot, signal and direction of what was planted."""
    sign = "+" if planted.rising else "-"
    cause = f"with {planted.signal.asset} {planted.signal.name} {sign}"
    told = found.summary
    return (
        f"{planted.defect.capitalize()} rose at" in told
        and f"lot {planted.lot}" in told
        and cause in told
    )


async def _ask(plant: Plant, line: str) -> Findings:
    arguments = get_inspections.check({"line": line, "window": "16h"})
    return await get_inspections.run(plant, arguments)


def _signals(site: Site, line: str) -> list[Signal]:
    return [
        signal
        for asset in site.assets.values()
        if asset.line == line
        for signal in asset.signals
        if not signal.counter and signal.normal is not None and signal.name != "speed"
    ]


def _signal_values(
    site: Site, planted: Planted, draw: Random, random: np.random.Generator
) -> tuple[dict[str, Values], Values]:
    """Values of every signal, and how far the planted one has drifted (0..1)."""
    signals = _signals(site, planted.line)
    ramp = draw.choice((1.0, 20.0, 60.0))
    drift = _ramp(planted.onset, ramp)
    values = {}
    for signal in signals:
        values[signal.id] = _wander(signal, random)
    others = [signal for signal in signals if signal != planted.signal]
    for signal in draw.sample(others, min(DECOYS, len(others))):
        # Other things drift, too, at another time than the defect begins.
        onset = draw.choice([m for m in range(60, MINUTES - 30) if abs(m - planted.onset) > 120])
        values[signal.id] += draw.choice((-1, 1)) * _size(signal) * _ramp(onset, 60.0)
    sign = 1.0 if planted.rising else -1.0
    values[planted.signal.id] += sign * draw.uniform(0.8, 1.6) * _size(planted.signal) * drift
    return values, drift


def _ramp(onset: int, length: float) -> Values:
    return np.clip((np.arange(MINUTES) - onset) / length, 0.0, 1.0)


def _size(signal: Signal) -> float:
    assert signal.normal is not None
    low, high = signal.normal.low, signal.normal.high
    return ((high or 0.0) - (low or 0.0)) / 2 or 1.0


def _wander(signal: Signal, random: np.random.Generator) -> Values:
    """Noise around the middle of the normal range, with a slow wander."""
    assert signal.normal is not None
    middle = ((signal.normal.low or 0.0) + (signal.normal.high or 0.0)) / 2
    slow = np.zeros(MINUTES)
    steps = random.normal(0.0, 1.0, MINUTES)
    for minute in range(1, MINUTES):
        slow[minute] = 0.97 * slow[minute - 1] + 0.24 * steps[minute]
    noise = 0.6 * slow + 0.4 * random.normal(0.0, 1.0, MINUTES)
    return np.asarray(middle + 0.25 * _size(signal) * noise)


def _inspections(
    site: Site, planted: Planted, drift: Values, draw: Random, start: datetime
) -> list[dict[str, Any]]:
    """A unit a minute on each line; the planted defect follows the drift, others are rare."""
    peak = draw.uniform(0.08, 0.3)
    rows = []
    for place, line in enumerate(site.lines):
        for minute in range(MINUTES):
            chance = peak * drift[minute] if line == planted.line else 0.0
            defect = planted.defect if draw.random() < chance else ""
            if not defect and draw.random() < 0.004:
                defect = draw.choice(DEFECTS)
            moment = start + timedelta(minutes=minute, seconds=draw.randrange(60))
            rows.append(_row(minute * 10 + place, line, moment, minute, defect))
    return rows


def _row(id_: int, line: str, moment: datetime, minute: int, defect: str) -> dict[str, Any]:
    return {
        "id": id_,
        "line": line,
        "product": "500 ml cola",
        "batch": LOTS[minute * len(LOTS) // MINUTES],
        "time": from_utc(moment),
        "passed": not defect,
        "defect": defect,
        "score": 0.9 if defect else 0.1,
        "model": "planted",
        "image": "",
        "boxes": [],
    }
