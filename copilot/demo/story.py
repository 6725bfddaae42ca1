"""The faults that happen in the demo plant: sixty days of past ones, and those growing right now.

A story is fixed by its seed and by the moment the plant was set up, so it can be told again. A
plant that runs on for months sees faults like those of its past again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from math import log
from random import Random
from zoneinfo import ZoneInfo

from copilot.demo.faults import FAULTS

DAYS = 60
CYCLES = 3  # how often the past comes back
CALM = 12.0  # days until it does, so that what grows now is over
ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Growth:
    """The plan of one fault: from `start` it grows to `peak` at `end`, when it is repaired.

    `fails` says that nobody acts in time: it grows until the machine trips. `curve` bends the
    growth: 1 is steady, 2 slow at first and fast at last.
    """

    fault: str
    asset: str
    start: datetime
    end: datetime
    peak: float
    curve: float
    fails: bool = False

    def severity(self, moment: datetime) -> float:
        """How bad it is at a moment (0..1), if nobody has repaired it."""
        passed = (moment - self.start) / (self.end - self.start)
        if passed <= 0.0:
            return 0.0
        worst = 1.0 if self.fails else self.peak
        return min(self.peak * float(passed**self.curve), worst)


# fault, machine (more than one: the seed chooses), days ago of start and end, peak, fails
PAST = (
    ("bearing_wear", ("P-101",), 58.0, 39.0, 0.76, False),
    ("filter_fouling", ("FLT-103",), 59.5, 26.5, 0.40, False),
    ("gearbox_wear", ("MX-201",), 57.5, 39.5, 0.72, False),
    ("belt_slip", ("CV-21",), 56.0, 51.0, 1.00, True),
    ("cooler_fouling", ("HX-204",), 55.0, 44.0, 0.64, False),
    ("nozzle_clog", ("FIL-22",), 52.5, 50.4, 0.70, False),
    ("clutch_wear", ("CAP-13",), 44.0, 37.5, 1.00, True),
    ("valve_wear", ("FIL-12",), 48.0, 34.0, 0.55, False),
    ("vacuum_leak", ("PCK-15",), 46.0, 43.0, 1.00, True),
    ("air_leak", ("C-301",), 45.0, 41.4, 1.00, True),
    ("condenser_fouling", ("CH-302",), 42.0, 33.0, 0.84, False),
    ("sensor_drift", ("HX-204",), 40.0, 33.0, 0.70, False),
    ("oil_cooler_fouling", ("C-301",), 37.5, 24.5, 0.78, False),
    ("clogged_strainer", ("P-101",), 36.5, 30.5, 0.60, False),
    ("glue_heater_failing", ("LBL-24", "LBL-14"), 33.5, 32.2, 1.00, True),
    ("nozzle_clog", ("FIL-22",), 29.5, 27.3, 1.00, True),
    ("burner_fouling", ("B-303",), 30.0, 17.0, 0.86, False),
    ("clogged_strainer", ("P-101",), 27.0, 21.5, 1.00, True),
    ("belt_slip", ("CV-11",), 25.0, 19.5, 0.55, False),
    ("refrigerant_leak", ("CH-302",), 23.0, 16.5, 0.66, False),
    ("clutch_wear", ("CAP-23",), 18.0, 12.0, 0.50, False),
    ("seal_leak", ("P-203",), 20.0, 13.5, 0.95, False),
    ("air_leak", ("C-301",), 16.0, 12.6, 0.66, False),
    ("vacuum_leak", ("PAL-16",), 13.0, 9.6, 0.60, False),
    ("nozzle_clog", ("FIL-12",), 12.0, 10.2, 0.66, False),
    ("sensor_frozen", ("TK-101",), 11.0, 10.6, 1.00, False),
    ("glue_heater_failing", ("LBL-14",), 8.6, 7.8, 0.50, False),
    ("nozzle_clog", ("FIL-22",), 6.0, 4.0, 1.00, True),
)
# fault, machine, days ago of start, days from now to the repair, severity now, peak
PRESENT = (
    ("bearing_wear", "P-101", 16.0, 4.5, 0.635, 0.97),
    ("filter_fouling", "FLT-103", 24.0, 7.0, 0.265, 0.42),
    ("clutch_wear", "CAP-13", 6.0, 3.2, 0.36, 0.72),
    ("cooler_fouling", "HX-204", 10.0, 8.0, 0.22, 0.50),
    ("valve_wear", "FIL-12", 8.5, 9.0, 0.22, 0.50),
)


def story(seed: int, now: datetime) -> tuple[Growth, ...]:
    """All faults from sixty days before `now` on, by their start."""
    random = Random(f"story {seed}")
    told = [_past(random, now, *plan) for plan in PAST]
    told += (_present(random, now, *plan) for plan in PRESENT)
    for cycle in range(1, CYCLES + 1):
        shifted = now + timedelta(days=CALM + cycle * DAYS)
        told += (_past(random, shifted, *plan) for plan in PAST)
    return tuple(sorted(told, key=lambda growth: growth.start))


def _past(
    random: Random,
    now: datetime,
    fault: str,
    assets: tuple[str, ...],
    began: float,
    ended: float,
    peak: float,
    fails: bool,
) -> Growth:
    shift = timedelta(days=random.uniform(-0.5, 0.5))
    start = now - timedelta(days=began) + shift
    end = now - timedelta(days=ended) + shift
    if not fails and end - start > timedelta(days=2.5):
        end = _next_morning(end, random)
        peak *= random.uniform(0.96, 1.04)
    return Growth(fault, random.choice(assets), start, end, peak, FAULTS[fault].curve, fails)


def _present(
    random: Random,
    now: datetime,
    fault: str,
    asset: str,
    began: float,
    left: float,
    severity: float,
    peak: float,
) -> Growth:
    start = now - timedelta(days=began * random.uniform(0.95, 1.05))
    end = _next_morning(now + timedelta(days=left), random)
    severity *= random.uniform(0.97, 1.03)
    # The curve that passes through the severity wanted now and reaches the peak at the end.
    passed = (now - start) / (end - start)
    return Growth(fault, asset, start, end, peak, log(severity / peak) / log(passed))


def _next_morning(moment: datetime, random: Random) -> datetime:
    """Planned repairs are done in the early shift."""
    local = moment.astimezone(ZONE)
    clock = time(random.randint(7, 11), random.choice((0, 15, 30, 45)))
    day = local.date() + timedelta(days=1 if local.time() > clock else 0)
    return datetime.combine(day, clock, ZONE).astimezone(UTC)
