"""Watched signals that have stopped moving: seen live at once, told from history now and then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from copilot.web.live.points import Watched
from copilot_tools.plant import Plant
from copilot_tools.sources.protocols import Reading
from copilot_tools.telemetry import resting_signals

UNMOVED_FOR = timedelta(seconds=30)
ASKED_EVERY = timedelta(minutes=10)


@dataclass(slots=True)
class _Course:
    watched: Watched
    reading: Reading
    since: datetime
    asked: datetime | None = None
    resting: datetime | None = None


class Unmoved:
    """What is known of signals that do not move; a value that moves is never asked about.

    To read a day of history is dear: it is done for one signal at a time, only for one that shows
    the same value for half a minute, and again every ten minutes.
    """

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._courses: dict[str, _Course] = {}

    def saw(self, watched: Watched, reading: Reading) -> datetime | None:
        """Take note of a new reading; since when the signal rests, as far as that is known."""
        course = self._courses.get(watched.key)
        if course is None or course.reading.value != reading.value:
            self._courses[watched.key] = _Course(watched, reading, self._plant.now())
            return None
        course.reading = reading
        return course.resting

    def keep(self, keys: Iterable[str]) -> None:
        """Forget all other signals."""
        self._courses = {key: self._courses[key] for key in keys if key in self._courses}

    async def look(self) -> None:
        """Ask the history about one signal that is due."""
        now = self._plant.now()
        course = next((c for c in self._courses.values() if _due(c, now)), None)
        if course is None:
            return
        course.asked = now
        found = await resting_signals(self._plant, [course.watched.point], [course.reading])
        course.resting = found.get(course.watched.point.signal)


def _due(course: _Course, now: datetime) -> bool:
    if not course.watched.point.signal or now - course.since < UNMOVED_FOR:
        return False
    return course.asked is None or now - course.asked >= ASKED_EVERY
