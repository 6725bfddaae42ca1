"""What people would ask about: what they can see of a plant, in their words, never the label.

First a line that stands unplanned, then an alarm that is not raised every day, a defect that
cameras find in numbers, a reading that stands still, what has gone farthest out of its normal
range, and last what has moved most against the week before. Of a run with a fault only what the
fault did is asked: what a twin, the same plant without it, shows just so is no symptom of it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from random import Random

import numpy as np

from copilot.demo.simulate import TARGETS
from copilot_evals.rca_plant import Lived
from copilot_tools.records import AlarmTransition
from copilot_tools.site.model import Asset, Signal
from copilot_tools.timeseries import Floats, resting_since, robust_sd, to_arrays

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LEAST_DEFECTS = 8
LEAST_EXCESS = 0.1  # of the normal range's width
CAUSED = 0.5  # of the way that a reading moved must not have been moved without the fault
# Machine kinds that people blame for a defect, by a word of its name.
BLAMED = {"fill": "filler", "cap": "capper", "label": "labeller"}
SAID = {
    ("vibration", True): ("vibrates so much", "is shaking", "high vibration"),
    ("temperature", True): ("running hot", "{} too high", "{} is up"),
    ("temperature", False): ("running cold", "{} too low", "{} is down"),
    ("flow", False): ("too little flow", "low {}", "{} dropping"),
    ("pressure", True): ("{} too high", "{} keeps rising", "high {}"),
    ("pressure", False): ("{} dropping", "losing pressure", "low {}"),
    ("level", False): ("{} dropping", "losing level", "low {}"),
    ("current", True): ("draws so much current", "high {}"),
    ("weight", True): ("bottles too full", "overfilling"),
    ("weight", False): ("bottles not full", "underfilling"),
    ("torque", False): ("loose caps", "{} too low"),
    ("vacuum", True): ("losing vacuum", "drops cases"),
    ("slip", True): ("belt slipping", "high {}"),
}
OTHERWISE = {True: ("{} too high", "{} is up"), False: ("{} too low", "{} is down")}


async def complaint(lived: Lived, draw: Random, twin: Lived | None = None) -> tuple[str, str]:
    """The machine and the symptom that somebody asks about at the end of a run.

    With a `twin` that was spared what happened, something that it does not show as well.
    """
    for look in (_stops, _unusual_alarms, _defects):
        spared = await look(twin) if twin else []
        if seen := [symptom for symptom in await look(lived) if symptom not in spared]:
            return draw.choice(seen)
    return await _readings(lived, draw, twin)


async def _stops(lived: Lived) -> list[tuple[str, str]]:
    """What lines have been standing for, unplanned, for half an hour or more."""
    found: list[tuple[str, str]] = []
    for line in lived.plant.site.lines:
        stops = await lived.plant.erp.downtimes(line, lived.now - HOUR, lived.now)
        found += [
            (stop.asset, stop.reason)
            for stop in stops
            if not stop.planned
            and (stop.end is None or stop.end > lived.now)
            and lived.now - stop.start > 0.5 * HOUR
        ]
    return found


async def _unusual_alarms(lived: Lived) -> list[tuple[str, str]]:
    """Alarms that stand or were raised in the last day, but not in the month before the run."""
    events = await lived.plant.journal.events(lived.began - 30 * DAY, lived.now)
    raised = [event for event in events if event.transition is AlarmTransition.RAISED]
    known = {event.alarm for event in raised if event.time < lived.began}
    cleared = {e.alarm: e.time for e in events if e.transition is AlarmTransition.CLEARED}
    new = [
        event
        for event in raised
        if event.alarm not in known
        and (event.time >= lived.now - DAY or event.time > cleared.get(event.alarm, lived.began))
    ]
    return list(dict.fromkeys((event.asset, event.message) for event in new))


async def _defects(lived: Lived) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in lived.plant.site.lines:
        results = await lived.plant.inspections.results(lived.now - 6 * HOUR, lived.now, line)
        counts = Counter(result.defect for result in results if result.defect)
        for defect, count in counts.items():
            if count >= LEAST_DEFECTS:
                found += [(asset.id, defect) for asset in _blamed(lived, line, defect)]
    return found


def _blamed(lived: Lived, line: str, defect: str) -> list[Asset]:
    kinds = {kind for word, kind in BLAMED.items() if word in defect}
    return [a for a in lived.plant.site.assets.values() if a.line == line and a.kind in kinds]


async def _readings(lived: Lived, draw: Random, twin: Lived | None) -> tuple[str, str]:
    """What somebody sees who looks through the readings of today and of a week ago.

    Where a twin shows all of it as well, it is asked about all the same.
    """
    signals = [s for s in lived.plant.site.signals() if not (_counts(s) or s.id in TARGETS)]
    ids = [signal.id for signal in signals]
    found = await lived.plant.history.read(ids, lived.now - 3 * DAY, lived.now)
    past = await lived.plant.history.read(ids, lived.now - 7 * DAY, lived.now - 6 * DAY)
    spared = await _levels(twin, ids) if twin else {}
    out: list[tuple[float, Signal, bool]] = []
    moved: list[tuple[float, Signal, bool]] = []
    for signal in signals:
        seconds, values = to_arrays(found[signal.id])
        if resting_since(seconds, values) is not None and "level" in signal.name:
            return signal.asset, f"{signal.name} does not move"
        level = _newest(seconds, values, lived)
        _, before = to_arrays(past[signal.id])
        if np.isnan(level) or not np.isfinite(before).any():
            continue
        usual, scatter = float(np.nanmedian(before)), max(robust_sd(before), 1e-6)
        if abs(level - spared.get(signal.id, usual)) < CAUSED * abs(level - usual):
            continue
        if not _out_of_normal(signal, usual):
            out += _out_of_normal(signal, level)
        moved.append((abs(level - usual) / scatter, signal, level > usual))
    if twin and not moved:
        return await _readings(lived, draw, None)
    _, signal, high = max(out or moved, key=lambda found: found[0])
    return signal.asset, _said(signal, high, draw)


async def _levels(lived: Lived, ids: Sequence[str]) -> dict[str, float]:
    """The newest level of each signal that has one."""
    found = await lived.plant.history.read(ids, lived.now - 2 * HOUR, lived.now)
    levels = {key: _newest(*to_arrays(samples), lived) for key, samples in found.items()}
    return {key: level for key, level in levels.items() if not np.isnan(level)}


def _newest(seconds: Floats, values: Floats, lived: Lived) -> float:
    recent = values[seconds >= (lived.now - 2 * HOUR).timestamp()]
    return float(np.nanmedian(recent)) if np.isfinite(recent).any() else float("nan")


def _counts(signal: Signal) -> bool:
    return signal.counter or "count" in signal.name


def _out_of_normal(signal: Signal, level: float) -> Sequence[tuple[float, Signal, bool]]:
    """By how many widths of its normal range a level lies outside it."""
    normal = signal.normal
    if normal is None or normal.low is None or normal.high is None:
        return []
    width = max(normal.high - normal.low, 1e-9)
    excess = max(level - normal.high, normal.low - level) / width
    return [(excess, signal, level > normal.high)] if excess > LEAST_EXCESS else []


def _said(signal: Signal, high: bool, draw: Random) -> str:
    for (word, up), sentences in SAID.items():
        if word in signal.name and up is high:
            return draw.choice(sentences).format(signal.name)
    return draw.choice(OTHERWISE[high]).format(signal.name)
