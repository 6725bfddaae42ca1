"""What the cameras found over a period, added up day by day so that a month stays small."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from copilot.web.pareto import Bar, pareto
from copilot_tools.facts import Picture, Series, Source
from copilot_tools.plant import Plant
from copilot_tools.quality import HOURLY_UP_TO
from copilot_tools.records import GOOD, Inspection
from copilot_tools.windows import Period

# A source must answer within its time limit, which a busy month at once may exceed.
SLICE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which units are looked at; what is empty does not choose."""

    line: str = ""
    product: str = ""
    defect: str = ""


@dataclass(frozen=True, slots=True)
class Pictured:
    """An inspected unit and its picture."""

    unit: Inspection
    picture: Picture


@dataclass(slots=True)
class Inspected:
    """The sums of a period; `rejects` are those with the wanted defect, newest first.

    `waiting` are the units that a person should look at and nobody has, oldest first.
    """

    period: Period
    wanted: Wanted
    inspected: int = 0
    rejected: int = 0
    newest: datetime | None = None
    products: set[str] = field(default_factory=set)
    defects: Counter[str] = field(default_factory=Counter)
    rejects: list[Inspection] = field(default_factory=list)
    waiting: list[Inspection] = field(default_factory=list)
    hours: Counter[datetime] = field(default_factory=Counter)

    @property
    def first_pass_yield(self) -> float | None:
        """The share of units without any defect, in %."""
        return _percent(self.inspected - self.rejected, self.inspected)

    @property
    def wanted_share(self) -> float | None:
        """The share of units with the wanted defect, in %."""
        return _percent(len(self.rejects), self.inspected)

    def bars(self) -> list[Bar]:
        """The defects by how often they were found."""
        return pareto(self.defects)

    def course(self, zone: ZoneInfo) -> Series:
        """The share of rejects by hour, over more than two days by day of the plant."""
        daily = self.period.length > HOURLY_UP_TO
        inspected, rejected = self.hours, Counter(_hour(r.time) for r in self.rejects)
        if daily:
            inspected, rejected = _by_day(inspected, zone), _by_day(rejected, zone)
        times = sorted(inspected)
        return Series(
            subject=self.wanted.line or "all lines",
            name=f"{self.wanted.defect or 'reject'} rate by {'day' if daily else 'hour'}",
            unit="%",
            times=tuple(times),
            values=tuple(_percent(rejected[time], inspected[time]) for time in times),
            source=Source("quality", "inspections"),
        )

    def add(self, results: Iterable[Inspection]) -> None:
        """Count units, which come oldest first."""
        for result in results:
            self.products.add(result.product)
            if self.wanted.product in ("", result.product):
                self._count(result)

    def _count(self, result: Inspection) -> None:
        self.inspected += 1
        self.hours[_hour(result.time)] += 1
        self.newest = result.time
        if result.review and not result.decision:
            self.waiting.append(result)
        if result.passed:
            return
        self.rejected += 1
        self.defects[result.defect] += 1
        if self.wanted.defect in ("", result.defect):
            self.rejects.append(result)


async def look_back(plant: Plant, period: Period, wanted: Wanted) -> Inspected:
    """What was inspected in a period; raises Unavailable."""
    found = Inspected(period, wanted)
    async for results in _slices(plant, period, wanted.line or None):
        found.add(results)
    found.rejects.reverse()
    return found


def pictures_of(rejects: Iterable[Inspection]) -> list[Pictured]:
    """Those rejects that have a picture on disk, in the same order."""
    return [
        Pictured(reject, picture_of(reject))
        for reject in rejects
        if reject.image and Path(reject.image).is_file()
    ]


def picture_of(result: Inspection) -> Picture:
    """The picture of an inspected unit with what was marked on it."""
    return Picture(
        title=f"{result.defect or GOOD}, {result.line}, {result.product}",
        path=Path(result.image),
        boxes=result.boxes,
        source=Source("quality", f"inspections.id={result.id}"),
        time=result.time,
    )


async def _slices(
    plant: Plant, period: Period, line: str | None
) -> AsyncIterator[list[Inspection]]:
    start = period.start
    while start < period.end:
        end = min(start + SLICE, period.end)
        yield await plant.inspections.results(start, end, line)
        start = end


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _by_day(hours: Counter[datetime], zone: ZoneInfo) -> Counter[datetime]:
    days: Counter[datetime] = Counter()
    for hour, number in hours.items():
        days[hour.astimezone(zone).replace(hour=0, minute=0).astimezone(UTC)] += number
    return days


def _percent(count: int, total: int) -> float | None:
    return round(100 * count / total, 2) if total else None
