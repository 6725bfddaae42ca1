"""What the plant cannot choose: weather, water from the city, and the slow wander of a process."""

from dataclasses import dataclass
from math import cos, pi, sin

HOUR = 3600.0
DAY = 24 * HOUR
YEAR = 365.25 * DAY
LOCAL_OFFSET = 1.5 * HOUR  # local sun runs between 1 h and 2 h ahead of UTC


@dataclass(slots=True)
class Surroundings:
    """Temperatures in degC; `wander_*` drift within -1..1 over hours, out of step with each other.

    Everything follows from the time and the seed, so nothing here has to be stored.
    """

    seed: int
    outdoor: float = 14.0
    room: float = 22.0
    city_water: float = 9.5
    wander_a: float = 0.0
    wander_b: float = 0.0
    wander_c: float = 0.0

    def step(self, seconds: float) -> None:
        """Set the surroundings to a moment in seconds since 1970 (UTC)."""
        phase = self.seed % 97
        season = -cos(2 * pi * (seconds / YEAR - 0.06))
        day = -cos(2 * pi * ((seconds + LOCAL_OFFSET) / DAY - 3 / 24))
        weather = sin(seconds / (3.7 * DAY) + phase) + sin(seconds / (1.9 * DAY) + 2 * phase)
        self.outdoor = 13.0 + 6.0 * season + 4.0 * day + 1.5 * weather
        self.room = 22.0 + 1.5 * season + 1.5 * day + 0.4 * weather
        self.city_water = 9.5 + 1.2 * season + 0.2 * weather
        self.wander_a = 0.6 * sin(seconds / 2711 + phase) + 0.4 * sin(seconds / 8123)
        self.wander_b = 0.6 * sin(seconds / 4337 + phase) + 0.4 * sin(seconds / 13127)
        self.wander_c = 0.6 * sin(seconds / 1867 + phase) + 0.4 * sin(seconds / 20903)
