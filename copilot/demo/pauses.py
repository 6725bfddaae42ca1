"""Stops of the demo plant's lines that no fault causes: the planned ones and small jams.

Everything follows from the time and the seed, so past, present and future agree in any order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from copilot.demo.physics.line import Halt
from copilot.demo.schedule import planned_stops

# Where on a line (last digit of the machine) small stops happen, and what they are called.
JAMS = {
    "1": ("bottle fallen at the infeed", "photo eye blocked"),
    "2": ("burst bottle cleared from the filler", "bottle stuck in the starwheel"),
    "3": ("cap sorter jammed", "cap chute empty"),
    "4": ("label reel changed", "label web torn"),
    "5": ("carton blank jammed", "carton magazine empty"),
    "6": ("pallet magazine empty", "incomplete layer"),
}
MACHINES = {"1": "CV", "2": "FIL", "3": "CAP", "4": "LBL", "5": "PCK", "6": "PAL"}
PLACES = "1234456"


@dataclass(frozen=True, slots=True)
class Pause:
    """A stop of a line in [start, end)."""

    line: str
    start: datetime
    end: datetime
    halt: Halt


def pauses(seed: int, line: str, start: datetime, end: datetime) -> list[Pause]:
    """Planned stops and jams of a line that overlap [start, end), by their start."""
    found = [
        Pause(line, stop.start, stop.end, Halt(stop.asset, stop.reason, planned=True))
        for stop in planned_stops(line, start, end, seed)
        if stop.end is not None
    ]
    found += (jam for jam in _jams(seed, line, start, end) if jam.start < end and jam.end > start)
    return sorted(found, key=lambda pause: pause.start)


def _jams(seed: int, line: str, start: datetime, end: datetime) -> Iterator[Pause]:
    day = start.date() - timedelta(days=1)
    while day <= end.date():
        random = Random(f"jams {seed} {line} {day}")
        for _ in range(random.randint(9, 15)):
            yield _jam(random, line, day)
        day += timedelta(days=1)


def _jam(random: Random, line: str, day: date) -> Pause:
    place = random.choice(PLACES)
    begin = datetime.combine(day, time(), UTC) + timedelta(seconds=random.randrange(86_400))
    minutes = random.uniform(1.5, 6.0) if random.random() < 0.88 else random.uniform(8.0, 22.0)
    halt = Halt(f"{MACHINES[place]}-{line[1]}{place}", random.choice(JAMS[place]))
    return Pause(line, begin, begin + timedelta(minutes=minutes), halt)
