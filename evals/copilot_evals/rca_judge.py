"""Asks the tool for root causes and judges its answer: place of the truth, ablation, a baseline."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.root_cause import find_root_cause
from copilot_tools.root_cause.causes import Cause
from copilot_tools.root_cause.find import is_named, weigh_all
from copilot_tools.root_cause.neighbours import find_neighbours
from copilot_tools.root_cause.observed import Observed, observe
from copilot_tools.sources.protocols import History, Samples
from copilot_tools.windows import parse_window

Named = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Given:
    """An answer of the tool: the causes it named, as mode and machine, and its time (s)."""

    asset: str
    symptom: str
    findings: Findings
    named: tuple[Named, ...]
    seconds: float
    cpu: float

    @classmethod
    async def ask(cls, plant: Plant, asset: str, symptom: str) -> Self:
        """Ask as the agent would."""
        began, worked = time.perf_counter(), time.process_time()
        call = find_root_cause.check({"asset": asset, "symptom": symptom})
        findings = await find_root_cause.function(plant, **call.arguments)
        seconds, cpu = time.perf_counter() - began, time.process_time() - worked
        rows = [row for table in findings.tables for row in table.rows]
        named = tuple((str(row[0]), str(row[1])) for row in rows)
        return cls(asset, symptom, findings, named, seconds, cpu)


def place_of(cause: Named | None, named: Sequence[Named]) -> int:
    """The place of the true cause among those named, from 1; 0 where it is not there."""
    return named.index(cause) + 1 if cause in named else 0


@dataclass(frozen=True, slots=True)
class Fallen:
    """What became of the cause named first without signals it rests on: rank and support lower?"""

    rank: bool
    support: bool


async def ask_again(plant: Plant, given: Given, seen: Observed) -> tuple[Fallen, Fallen]:
    """Without the signal that is cited first for the cause, and without all that are cited for it.

    The rank is among all modes of all machines around; one that is named no more has fallen. A
    cause with several independent signs may rightly stay first without one of them.
    """
    before = _weighed(plant, given, seen)
    first = _find(before, given.named[0])
    cited = [evidence.signal for evidence in first.told(favours=True) if evidence.signal]
    fallen = []
    for missing in (cited[:1], cited):
        poorer = replace(plant, history=Without(plant.history, frozenset(missing)))
        after = _weighed(plant, given, await observed(poorer, given.asset))
        now = _find(after, given.named[0])
        lower = _rank(after, now) > _rank(before, first) or not is_named(now)
        fallen.append(Fallen(lower, now.support < first.support))
    return fallen[0], fallen[1]


async def observed(plant: Plant, asset: str) -> Observed:
    """What the tool sees around a machine within its usual window."""
    machine = plant.resolver.asset(asset)
    period = parse_window("24h", plant.site, plant.now())
    return await observe(plant, find_neighbours(plant.site, machine), plant.modes, period)


def loudest_mode(plant: Plant, seen: Observed) -> Named | None:
    """A baseline: the mode for which the signal that moved most counts most; None if none does."""
    best: tuple[float, Named] | None = None
    for shift in sorted(seen.shifts.values(), key=lambda shift: -abs(shift.sigmas)):
        asset = plant.site.assets[shift.signal.asset]
        for mode in plant.modes:
            if asset.kind not in mode.kinds:
                continue
            for sign in mode.signs:
                up = sign.moves in ("up", "either") and shift.sigmas > 0
                down = sign.moves in ("down", "either") and shift.sigmas < 0
                fits = shift.signal in sign.signals(asset) and (up or down)
                if fits and (best is None or sign.weight > best[0]):
                    best = sign.weight, (mode.name, asset.id)
        if best:
            return best[1]
    return None


def _weighed(plant: Plant, given: Given, seen: Observed) -> Sequence[Cause]:
    near = find_neighbours(plant.site, plant.resolver.asset(given.asset))
    causes = weigh_all(plant, near, given.symptom, seen)
    return [cause for cause in causes if not cause.mode.consequence]


def _find(causes: Sequence[Cause], named: Named) -> Cause:
    return next(cause for cause in causes if (cause.mode.name, cause.asset.id) == named)


def _rank(causes: Sequence[Cause], cause: Cause) -> int:
    return 1 + sum(other.support > cause.support for other in causes)


@dataclass(frozen=True, slots=True)
class Without:
    """A history in which some signals were never recorded."""

    whole: History
    missing: frozenset[str]

    def append(self, samples: object) -> None:
        """Nothing is stored here."""
        raise NotImplementedError

    async def read(
        self, signals: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, Samples]:
        """What the whole history holds, the missing signals without samples."""
        found = await self.whole.read(signals, start, end)
        return found | {key: Samples(key, (), ()) for key in self.missing & found.keys()}

    async def last(self, signal: str) -> datetime | None:
        """The newest sample's time."""
        return None if signal in self.missing else await self.whole.last(signal)
