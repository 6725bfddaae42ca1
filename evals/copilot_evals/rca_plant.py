"""Demo plants for root causes: sixty calm days, and from there a future in which one thing happens.

A calm plant has no fault at all. It is simulated once a seed; each run goes on from its last state,
reads the same sixty days and keeps what it adds to itself.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import NullPool, create_engine

from copilot.demo import rows
from copilot.demo.chronicle import Chronicle
from copilot.demo.controls import Controls
from copilot.demo.crew import Crew
from copilot.demo.simulate import PLANT_TOML, Simulation, join_chronicle
from copilot_knowledge.library import Library
from copilot_tools.facts import Quality
from copilot_tools.plant import Plant
from copilot_tools.site.load import load_site
from copilot_tools.site.model import Node, Site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.plant_sql import SqlAlarmJournal, SqlErp, SqlInspections, connect
from copilot_tools.sources.protocols import Alarms, AlarmState, Reading, Telemetry

DAYS = 60
STEP_S = 60.0
HOUR = timedelta(hours=1)

Act = Callable[[Simulation, Controls], None]


@dataclass(frozen=True, slots=True)
class Calm:
    """A plant in `root` after days without a fault; `now` is midnight UTC."""

    root: Path
    seed: int
    now: datetime
    manuals: Path


@dataclass(frozen=True, slots=True)
class Happening:
    """Something done to the plant `after` a while; `deaf` names signals that give no value then."""

    after: timedelta
    act: Act | None = None
    deaf: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lived:
    """A plant that has gone on from a calm one, and what happened since."""

    plant: Plant
    began: datetime
    now: datetime
    chronicle: Chronicle


def live_calmly(root: Path, seed: int, now: datetime, manuals: Path, days: int = DAYS) -> Calm:
    """Simulate and store days without a fault that end at `now`; sixty take half a minute."""
    start = now - timedelta(days=days)
    simulation = _calm(seed, start, load_site(PLANT_TOML))
    history = ParquetHistory(root / "history")
    chronicle = Chronicle(start, start)
    for stretch in simulation.run(now, STEP_S):
        history.append_arrays(*stretch.samples(simulation.signals))
        join_chronicle(chronicle, stretch.chronicle)
    _store(root, chronicle, seed, rows.write)
    (root / "state.json").write_text(json.dumps(simulation.snapshot()), encoding="utf-8")
    return Calm(root, seed, now, manuals)


def live_on(calm: Calm, folder: Path, happenings: Sequence[Happening], length: timedelta) -> Lived:
    """Go on from a calm plant for `length` (full minutes), with what happens on the way."""
    site = load_site(PLANT_TOML)
    simulation = _calm(calm.seed, calm.now, site)
    simulation.restore(json.loads((calm.root / "state.json").read_text(encoding="utf-8")))
    history = _branched(calm, folder)
    controls = Controls(simulation.plant, site)
    told = Chronicle(calm.now, calm.now)
    deaf: set[str] = set()
    for happening in [*sorted(happenings, key=lambda h: h.after), Happening(length)]:
        _advance(simulation, calm.now + happening.after, history, told, deaf)
        deaf |= set(happening.deaf)
        if happening.act:
            happening.act(simulation, controls)
    shutil.copyfile(calm.root / "plant.db", folder / "plant.db")
    _store(folder, told, calm.seed, rows.append)
    panel = Panel({s.node: controls.value(s) for s in controls.setpoints}, simulation.now)
    plant = _open(site, folder, calm.manuals, panel, simulation.now)
    return Lived(plant, calm.now, simulation.now, told)


def reopen(calm: Calm, folder: Path, now: datetime) -> Lived:
    """A plant that has gone on in `folder` past `now`, for looking at its records up to then."""
    panel = Panel({}, now)
    plant = _open(load_site(PLANT_TOML), folder, calm.manuals, panel, now)
    return Lived(plant, calm.now, now, Chronicle(calm.now, calm.now))


class Panel:
    """The setpoints of the simulated plant as they were when it was left; nothing else is live."""

    def __init__(self, values: dict[Node, float], now: datetime) -> None:
        self._values = values
        self._now = now

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        """The setpoint behind each node; bad where there is none."""
        return [
            Reading(node, self._values[node], Quality.GOOD, self._now, "Good")
            if node in self._values
            else Reading(node, None, Quality.BAD, self._now, "BadNodeIdUnknown")
            for node in nodes
        ]

    async def standing(self) -> list[AlarmState]:
        """None: what stands is told by the journal."""
        return []

    async def close(self) -> None:
        """There is nothing to release."""


def _calm(seed: int, start: datetime, site: Site) -> Simulation:
    simulation = Simulation(seed, start, start, site)
    simulation.crew = Crew(seed, (), start)
    return simulation


def _advance(
    simulation: Simulation,
    until: datetime,
    history: ParquetHistory,
    told: Chronicle,
    deaf: set[str],
) -> None:
    if until <= simulation.now:
        return
    columns = [simulation.signals.index(signal) for signal in deaf]
    for stretch in simulation.run(until, STEP_S):
        stretch.values[:, columns] = np.nan
        history.append_arrays(*stretch.samples(simulation.signals))
        join_chronicle(told, stretch.chronicle)


def _branched(calm: Calm, folder: Path) -> ParquetHistory:
    """A history that begins with the calm days, which stay where they are.

    The day the run begins on has a first sample already: it is copied, since the run adds to it.
    """
    history = folder / "history"
    history.mkdir(parents=True)
    for day in (calm.root / "history").iterdir():
        if day.name < calm.now.date().isoformat():
            (history / day.name).symlink_to(day.resolve(), target_is_directory=True)
        else:
            shutil.copytree(day, history / day.name)
    return ParquetHistory(history)


def _store(folder: Path, chronicle: Chronicle, seed: int, write: Callable[..., None]) -> None:
    engine = create_engine(f"sqlite:///{folder / 'plant.db'}", poolclass=NullPool)
    write(engine, chronicle, seed)
    engine.dispose()


def _open(site: Site, folder: Path, manuals: Path, panel: Panel, now: datetime) -> Plant:
    engine = connect(f"sqlite:///{folder / 'plant.db'}")
    telemetry: Telemetry = panel
    alarms: Alarms = panel
    return Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=telemetry,
        history=ParquetHistory(folder / "history"),
        alarms=alarms,
        journal=SqlAlarmJournal(engine),
        erp=SqlErp(engine),
        inspections=SqlInspections(engine, folder),
        library=warm_library(manuals),
        now=lambda: now,
    )


def warm_library(manuals: Path) -> Library:
    """The manuals in a folder, read once and kept beside it."""
    return Library.open(manuals, manuals.with_name("library.db"))
