"""The people of the demo plant: they notice faults, repair them, and put tripped machines back.

A fault of the story ends in one of two ways. Planned: at the end of its growth the machine is
taken out of service and mended. Failed: it trips the machine or stops a line, somebody comes, and
mends it while the line stands. Injected faults are left to the one who injected them.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

from copilot.demo.chronicle import Episode
from copilot.demo.faults import FAULTS, repair_fault, set_fault
from copilot.demo.physics.line import Halt, Line
from copilot.demo.physics.plant import PlantPhysics
from copilot.demo.story import Growth
from copilot_tools.records import AlarmEvent, AlarmTransition

Phase = Literal["past", "coming", "growing", "failed", "repair", "done"]

RESET_S = 900.0
LONGEST_RAMP_S = 30 * 86400.0
SEEN_FROM = 0.15  # severity below which an alarm is not yet this fault's
FOUND_AT = 0.75  # share of the peak at which a round finds what no alarm tells
UNATTENDED = timedelta(days=1)
# Which stop of a line comes from which machine's fault, when it is booked on another machine.
SOURCES = {
    "product temperature high": ("HX-204", "CH-302"),
    "compressed air below 5.8 bar": ("C-301",),
    "product supply pressure low": ("FLT-103", "P-101"),
    "gripper vacuum weak": ("C-301",),
    "closing torque low": ("C-301",),
    "no syrup": ("P-203",),
}
# Machines outside the lines whose repair stops every line, or those that fill a drink.
ALL_LINES = ("FLT-103", "HX-204", "C-301")
DRINK_LINES = ("P-203", "CH-302")
STORED = ("phase", "severity", "noticed", "failed", "begin", "end")


@dataclass(slots=True)
class Course:
    """How one fault has gone so far; times in seconds since 1970, 0 = not yet."""

    growth: Growth
    phase: Phase = "coming"
    severity: float = 0.0
    noticed: float = 0.0
    failed: float = 0.0
    begin: float = 0.0
    end: float = 0.0

    @property
    def active(self) -> bool:
        """Has it begun and is not yet mended?"""
        return self.phase in ("growing", "failed", "repair")


@dataclass(slots=True)
class Injection:
    """A fault injected at run time; it reaches `severity` `ramp` s after `start`."""

    fault: str
    asset: str
    severity: float
    start: float
    ramp: float


class Crew:
    """Carries the story out on the plant."""

    def __init__(self, seed: int, growths: tuple[Growth, ...], start: datetime) -> None:
        self._seed = seed
        self.courses = [
            Course(growth, "past" if growth.end <= start else "coming") for growth in growths
        ]
        self.injections: list[Injection] = []
        self._tripped: dict[str, float] = {}
        self._foreign: set[str] = set()  # machines whose trip is not the story's

    def act(self, plant: PlantPhysics, seconds: float) -> None:
        """Let faults grow, fail and be repaired up to a moment."""
        moment = datetime.fromtimestamp(seconds, UTC)
        self._tell_apart(plant)
        for course in self.courses:
            if course.phase == "coming" and moment < course.growth.start:
                break  # they are in the order of their start
            if course.phase not in ("past", "done"):
                self._follow(course, plant, moment, seconds)
        for injection in self.injections:
            share = (seconds - injection.start) / injection.ramp if injection.ramp > 0 else 1.0
            level = injection.severity * min(max(share, 0.0), 1.0)
            set_fault(plant, injection.fault, injection.asset, level)
        for line in plant.lines:
            line.repair = self._ordered_halt(line)
        if not self.injections:
            self._reset(plant, seconds)

    def inject(self, injection: Injection) -> None:
        """Add a fault; raises KeyError or ValueError when it does not exist on that machine."""
        if injection.asset not in FAULTS[injection.fault].assets:
            raise ValueError(f"{injection.fault} does not happen on {injection.asset}")
        if not 0.0 <= injection.severity <= 1.0 or not 0.0 <= injection.ramp <= LONGEST_RAMP_S:
            raise ValueError("severity lies between 0 and 1, the ramp between 0 s and 30 days")
        place = (injection.fault, injection.asset)
        self.injections = [i for i in self.injections if (i.fault, i.asset) != place]
        self.injections.append(injection)

    def clear(self, plant: PlantPhysics) -> None:
        """Take all injected faults back; tripped machines wait for a reset."""
        for injection in self.injections:
            repair_fault(plant, injection.fault, injection.asset)
        self.injections = []

    def notice(self, events: Iterable[AlarmEvent]) -> None:
        """Learn from alarms which faults have been noticed, and when."""
        for event in events:
            if event.transition is not AlarmTransition.RAISED:
                continue
            for course in self.courses:
                growth = course.growth
                if growth.asset != event.asset or course.phase in ("past", "coming"):
                    continue
                moment = event.time.timestamp()
                earlier = not course.noticed or moment < course.noticed
                known = growth.severity(event.time) >= SEEN_FROM
                if earlier and known and (not course.end or moment < course.end):
                    course.noticed = moment

    def source(self, halt: Halt) -> str:
        """The label of the fault behind a stop, empty when there is none."""
        assets = (halt.asset, *SOURCES.get(halt.reason, ()))
        for asset in assets:
            for course in self.courses:
                if course.growth.asset == asset and course.active:
                    return course.growth.fault
            for injection in self.injections:
                if injection.asset == asset:
                    return injection.fault
        return ""

    def episodes(self, until: float) -> list[Episode]:
        """Every fault that has begun by a moment (seconds since 1970), by its start."""
        told = (course for course in self.courses if course.phase not in ("past", "coming"))
        return [_episode(course, until) for course in told]

    def snapshot(self) -> dict[str, Any]:
        """Courses and injections as plain data."""
        courses = [{name: getattr(course, name) for name in STORED} for course in self.courses]
        injections = [asdict(injection) for injection in self.injections]
        foreign = sorted(self._foreign)
        return {"courses": courses, "injections": injections, "foreign": foreign}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take over a stored state."""
        for course, values in zip(self.courses, stored["courses"], strict=True):
            for name in STORED:
                setattr(course, name, values[name])
        self.injections = [Injection(**values) for values in stored["injections"]]
        self._foreign = set(stored["foreign"])

    def _follow(
        self, course: Course, plant: PlantPhysics, moment: datetime, seconds: float
    ) -> None:
        growth = course.growth
        if course.phase == "coming":
            course.phase = "growing"
        if course.phase == "growing":
            self._grow(course, plant, moment, seconds)
        elif seconds >= course.end:
            self._finish(course, plant)
        elif seconds >= course.begin and growth.asset in plant.drives:
            plant.drives[growth.asset].stop()

    def _grow(self, course: Course, plant: PlantPhysics, moment: datetime, seconds: float) -> None:
        growth = course.growth
        course.severity = growth.severity(moment)
        set_fault(plant, growth.fault, growth.asset, course.severity)
        if not course.noticed and moment >= growth.start + FOUND_AT * (growth.end - growth.start):
            course.noticed = seconds
        if growth.asset not in self._foreign and _has_failed(growth, plant):
            course.phase = "failed"
            course.failed = seconds
            course.noticed = course.noticed or seconds
        elif moment >= growth.end + (UNATTENDED if growth.fails else timedelta()):
            course.phase = "repair"
        if course.phase != "growing":
            random = Random(f"repair {self._seed} {growth.fault} {growth.start}")
            wait = 60.0 * random.uniform(15, 60) if course.phase == "failed" else 0.0
            course.begin = seconds + wait
            course.end = course.begin + 3600.0 * FAULTS[growth.fault].hours * random.uniform(
                0.8, 1.25
            )

    def _tell_apart(self, plant: PlantPhysics) -> None:
        """Remember which machines injected faults have tripped, until they are reset."""
        tripped = {asset for asset, drive in plant.drives.items() if drive.trip}
        self._foreign &= tripped
        if self.injections:
            self._foreign |= tripped | {injection.asset for injection in self.injections}

    def _finish(self, course: Course, plant: PlantPhysics) -> None:
        repair_fault(plant, course.growth.fault, course.growth.asset)
        course.phase = "done"
        if drive := plant.drives.get(course.growth.asset):
            drive.reset()
            drive.start()

    def _ordered_halt(self, line: Line) -> Halt | None:
        """The planned repair that keeps a line standing."""
        for course in self.courses:
            if course.phase == "repair" and _concerns(course.growth.asset, line):
                growth, fault = course.growth, FAULTS[course.growth.fault]
                return Halt(growth.asset, f"{fault.component}: {fault.remedy}", planned=True)
        return None

    def _reset(self, plant: PlantPhysics, seconds: float) -> None:
        """Put machines back that tripped because of something else, once that may be over."""
        busy = {c.growth.asset for c in self.courses if c.phase in ("failed", "repair")}
        for asset, drive in plant.drives.items():
            if not drive.trip or asset in busy:
                self._tripped.pop(asset, None)
                continue
            since = self._tripped.setdefault(asset, seconds)
            if seconds - since >= RESET_S:
                drive.reset()
                drive.start()
                del self._tripped[asset]


def _has_failed(growth: Growth, plant: PlantPhysics) -> bool:
    """Has the fault tripped its machine, or does a line stand because of it?"""
    drive = plant.drives.get(growth.asset)
    if drive and drive.trip:
        return True
    return any(
        line.lack and line.halt is line.lack and line.lack.asset == growth.asset
        for line in plant.lines
    )


def _concerns(asset: str, line: Line) -> bool:
    """Does the planned repair of a machine need this line to stand?"""
    if asset in ALL_LINES:
        return True
    if asset in DRINK_LINES:
        return line.product.share > 0.0
    return any(machine.asset == asset for machine in line.machines)


def _episode(course: Course, until: float) -> Episode:
    growth = course.growth
    done = course.phase == "done"
    return Episode(
        fault=growth.fault,
        asset=growth.asset,
        start=growth.start,
        noticed=_moment(course.noticed) if 0.0 < course.noticed <= until else None,
        repaired=_moment(course.end) if done and course.end <= until else None,
        peak=round(course.severity, 3),
        failed=course.failed > 0.0,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
