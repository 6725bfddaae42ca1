"""Runs the demo plant through time: the past in steps of a minute, the present second by second."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copilot.demo.alarms import STATES, AlarmBook, Scan
from copilot.demo.chronicle import Chronicle
from copilot.demo.crew import Crew, Injection
from copilot.demo.instruments import Instruments, Spell, Times, Values
from copilot.demo.logbook import Logbook
from copilot.demo.pauses import pauses
from copilot.demo.physics.line import Halt, Line
from copilot.demo.physics.plant import PlantPhysics
from copilot.demo.physics.products import PRODUCTS
from copilot.demo.physics.snapshot import restore_snapshot, take_snapshot
from copilot.demo.physics.surroundings import Surroundings
from copilot.demo.schedule import product_at
from copilot.demo.story import story
from copilot_tools.records import AlarmEvent
from copilot_tools.site.load import load_site
from copilot_tools.site.model import Site

PLANT_TOML = Path(__file__).with_name("plant.toml")
TARGETS = ("FIL-12.fill weight", "FIL-22.fill weight")
FROZEN = "TK-101.level"
AHEAD = timedelta(days=2)
CODES = {state: code for code, state in enumerate(STATES)}

Progress = Callable[[float], None]
Snapshot = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of recorded time: measured values (samples by signals, NaN = bad) and events.

    `kept` marks the samples that reached the historian.
    """

    times: Times
    values: Values
    kept: NDArray[np.bool_]
    chronicle: Chronicle

    def samples(
        self, signals: tuple[str, ...], every_s: int = 1
    ) -> tuple[Times, dict[str, Values]]:
        """What the historian stores: the kept samples (of full `every_s` seconds) by signal."""
        whole = self.times.astype(np.int64) % (every_s * 1_000_000) == 0
        chosen = self.kept & whole
        columns = self.values[chosen]
        return self.times[chosen], {name: columns[:, i] for i, name in enumerate(signals)}


@dataclass(frozen=True, slots=True)
class Recording:
    """Measured values by signal id; all share `times` (UTC)."""

    times: Times
    values: dict[str, Values]


class Simulation:
    """The demo plant with its people, its instruments and its alarm system.

    `anchor` is the moment the story is told for; `now` moves on with every step.
    """

    def __init__(self, seed: int, anchor: datetime, start: datetime, site: Site) -> None:
        self.seed = seed
        self.site = site
        self.now = start
        self.plant = PlantPhysics(Surroundings(seed))
        self.crew = Crew(seed, story(seed, anchor), start)
        self.alarms = AlarmBook(site, seed, TARGETS)
        self.books = tuple(Logbook(line) for line in self.plant.lines)
        self.signals = tuple(signal.id for signal in site.signals())
        self._instruments = Instruments(seed, start, self.plant.sensors(), site.signals())
        self._frozen = self.signals.index(FROZEN)
        self._acknowledged: list[AlarmEvent] = []
        self._watches = tuple(_LineWatch(seed, line) for line in self.plant.lines)

    def run(self, end: datetime, step_s: float) -> Iterator[Stretch]:
        """Move on to `end` in steps of `step_s`, one stretch per UTC day.

        Seconds before the first full minute and after the last one are stepped one by one.
        """
        first, last = _next_minute(self.now), end.replace(second=0, microsecond=0)
        if self.now < first <= end:
            yield self.record(first, 1.0)
        while self.now < last:
            midnight = datetime.combine(self.now.date() + timedelta(days=1), time(), UTC)
            yield self.record(min(last, midnight), step_s)
        if self.now < end:
            yield self.record(end, 1.0)

    def record(self, end: datetime, step_s: float, attended: bool = True) -> Stretch:
        """Move on to `end` and tell what was measured and what happened.

        `attended` lets the operators of the story acknowledge alarms.
        """
        start = self.now
        count = int((end - start).total_seconds() // step_s)
        first = start.timestamp()
        true = np.empty((count, len(self.signals)))
        targets = np.empty((count, len(TARGETS)))
        states = np.empty((count, len(self.plant.machines)), dtype=np.int8)
        frozen = np.zeros(count, dtype=np.bool_)
        for index in range(count):
            self._step(first + index * step_s, step_s)
            true[index] = self.plant.readings()
            targets[index] = [_deviation(line) for line in self.plant.lines]
            states[index] = [CODES[state] for state in self.plant.states()]
            frozen[index] = self.plant.water.tank.held >= 0.0
        self.now = start + timedelta(seconds=count * step_s)
        seconds = first + step_s * np.arange(1, count + 1)
        times = (seconds * 1e6).round().astype("int64").astype("datetime64[us]")
        values = self._instruments.measure(true, frozen, self._frozen)
        kept = _spoil(values, times, self._instruments.spells(start, self.now))
        events = self.alarms.scan(
            Scan(np.asarray(seconds, dtype=np.float64), values, targets, states, step_s)
        )
        events += self._acknowledged
        self._acknowledged = []
        if attended:
            events += self.alarms.attend(self.now.timestamp())
        return Stretch(times, values, kept, self._tell(start, events))

    def acknowledge(self, alarm: str) -> bool:
        """Acknowledge an alarm; False when there is nothing to acknowledge."""
        event = self.alarms.acknowledge(alarm, self.now.timestamp())
        if event:
            self._acknowledged.append(event)
        return event is not None

    def inject(self, fault: str, asset: str, severity: float, ramp_s: float) -> None:
        """Let a fault grow to a severity within `ramp_s` s.

        Raises KeyError for an unknown fault, ValueError for a machine or number that does not fit.
        """
        self.crew.inject(Injection(fault, asset, severity, self.now.timestamp(), ramp_s))

    def snapshot(self) -> Snapshot:
        """All that is needed to go on from here, as plain data."""
        return {
            "now": self.now.isoformat(),
            "plant": take_snapshot(self.plant),
            "crew": self.crew.snapshot(),
            "alarms": self.alarms.snapshot(),
            "books": [book.snapshot() for book in self.books],
        }

    def restore(self, stored: Snapshot) -> None:
        """Take over a stored state; raises KeyError or ValueError when it does not fit."""
        restore_snapshot(self.plant, stored["plant"])
        self.crew.restore(stored["crew"])
        self.alarms.restore(stored["alarms"])
        for book, state in zip(self.books, stored["books"], strict=True):
            book.restore(state)
        self.now = datetime.fromisoformat(stored["now"])

    def _step(self, begin: float, step_s: float) -> None:
        end = begin + step_s
        for watch in self._watches:
            watch.look(end)
        self.crew.act(self.plant, end)
        self.plant.step(step_s, end)
        for book in self.books:
            book.note(begin, end, self.crew)

    def _tell(self, start: datetime, events: list[AlarmEvent]) -> Chronicle:
        self.crew.notice(events)
        # From the full minute on: the minute that was running at the start is told at its end.
        told = Chronicle(
            start.replace(second=0), self.now, alarms=sorted(events, key=lambda event: event.time)
        )
        told.episodes = self.crew.episodes(self.now.timestamp())
        for book in self.books:
            stops, minutes = book.take()
            told.stops += stops
            told.minutes += minutes
        return told


class _LineWatch:
    """Sets the product, the planned stop and the jam of a line when their time has come."""

    def __init__(self, seed: int, line: Line) -> None:
        self._seed = seed
        self._line = line
        self._until = 0.0
        self._known: list[tuple[float, float, Halt]] = []
        self._known_until = 0.0

    def look(self, seconds: float) -> None:
        if seconds < self._until:
            return
        moment = datetime.fromtimestamp(seconds, UTC)
        if seconds + 3600.0 > self._known_until:
            found = pauses(self._seed, self._line.id, moment, moment + AHEAD)
            self._known = [(p.start.timestamp(), p.end.timestamp(), p.halt) for p in found]
            self._known_until = seconds + AHEAD.total_seconds()
        self._line.load(PRODUCTS[product_at(self._line.id, moment, self._seed)])
        current = [halt for begin, end, halt in self._known if begin <= seconds < end]
        planned = [halt for halt in current if halt.planned]
        jams = [halt for halt in current if not halt.planned]
        self._line.planned = planned[0] if planned else None
        self._line.jam = jams[0] if jams else None
        edges = (edge for begin, end, _ in self._known for edge in (begin, end) if edge > seconds)
        self._until = min(edges, default=seconds + 3600.0)
        self._until = min(self._until, seconds + 3600.0)


def simulate(
    seed: int,
    start: datetime,
    end: datetime,
    step_s: float = 60.0,
    on_progress: Progress | None = None,
) -> tuple[Chronicle, Recording, Snapshot]:
    """The demo plant from `start` to `end`: what happened, what was measured, how it stands.

    Lost samples are NaN here; `on_progress` is told the share done (0..1).
    """
    simulation = Simulation(seed, end, start, load_site(PLANT_TOML))
    whole = Chronicle(start, end)
    parts = []
    for stretch in simulation.run(end, step_s):
        join_chronicle(whole, stretch.chronicle)
        stretch.values[~stretch.kept] = np.nan
        parts.append(stretch)
        if on_progress:
            on_progress((simulation.now - start) / (end - start))
    times = np.concatenate([part.times for part in parts])
    values = np.concatenate([part.values for part in parts])
    columns = {signal: values[:, index] for index, signal in enumerate(simulation.signals)}
    return whole, Recording(times, columns), simulation.snapshot()


def join_chronicle(whole: Chronicle, part: Chronicle) -> None:
    """Add a later stretch; a stop or fault told before is told anew."""
    stops = {(stop.line, stop.asset, stop.start): stop for stop in whole.stops}
    stops.update({(stop.line, stop.asset, stop.start): stop for stop in part.stops})
    whole.stops = list(stops.values())
    whole.episodes = part.episodes
    whole.minutes += part.minutes
    whole.alarms += part.alarms
    whole.end = part.end


def _next_minute(moment: datetime) -> datetime:
    full = moment.replace(second=0, microsecond=0)
    return full if full == moment else full + timedelta(minutes=1)


def _deviation(line: Line) -> float:
    """How far the mean fill weight is from its target, in tolerances of the product."""
    offset = line.filler.target - line.product.weight
    return (line.filler.error - offset) / line.product.tolerance


def _spoil(values: Values, times: Times, spells: list[Spell]) -> NDArray[np.bool_]:
    """Blank bad spells in `values`; tells which samples were collected at all."""
    kept = np.ones(len(times), dtype=np.bool_)
    for spell in spells:
        begin, end = (
            np.datetime64(moment.replace(tzinfo=None), "us") for moment in (spell.start, spell.end)
        )
        hit = (times >= begin) & (times < end)
        if spell.column is None:
            kept &= ~hit
        else:
            values[hit, spell.column] = np.nan
    return kept
