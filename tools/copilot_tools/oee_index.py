"""The OEE index of a line over a span of time, from its stops and its production counts.

ISO 22400-2:2014: OEE index = availability x effectiveness x quality ratio, with
availability = actual production time / planned busy time, effectiveness = planned run time per item
x produced quantity / actual production time, quality ratio = good quantity / produced quantity.
Planned stops are no part of the planned busy time. Effectiveness is called performance here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from copilot_tools.records import Downtime, ProductionCount

Span = tuple[datetime, datetime]
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Loss:
    """Minutes of planned production time lost for one reason; `factor` is the one it lowers."""

    reason: str
    factor: str
    minutes: float


@dataclass(frozen=True, slots=True)
class OeeIndex:
    """OEE of a line in [start, end), the part of the asked span that has records.

    Times are in minutes, quantities in units, factors 0..1 (None where there is no basis for one).
    """

    start: datetime
    end: datetime
    planned_minutes: float
    run_minutes: float
    produced: float
    good: float
    ideal_rate: float
    stops: tuple[Loss, ...]

    @property
    def ideal_minutes(self) -> float:
        """How long the produced quantity takes at the ideal rate, at most the run time."""
        return min(self.produced / self.ideal_rate, self.run_minutes)

    @property
    def too_fast(self) -> bool:
        """Whether more was made than the ideal rate allows; performance then counts as 1."""
        return self.produced > self.run_minutes * self.ideal_rate * 1.001

    @property
    def availability(self) -> float | None:
        """Run time / planned production time."""
        return self.run_minutes / self.planned_minutes if self.planned_minutes else None

    @property
    def performance(self) -> float | None:
        """Ideal time of the produced quantity / run time."""
        return self.ideal_minutes / self.run_minutes if self.run_minutes else None

    @property
    def quality(self) -> float | None:
        """Good quantity / produced quantity."""
        return self.good / self.produced if self.produced else None

    @property
    def oee(self) -> float | None:
        """Availability x performance x quality; 0 when planned time passed without output."""
        if self.availability is None:
            return None
        return self.availability * (self.performance or 0.0) * (self.quality or 0.0)

    def losses(self) -> list[Loss]:
        """All lost minutes, the largest first; together they are planned time x (1 - OEE)."""
        slow = self.run_minutes - self.ideal_minutes
        rejected = self.ideal_minutes * (1 - (self.quality or 0.0))
        every = (
            *self.stops,
            Loss("slow running and short stops", "performance", slow),
            Loss("rejected units", "quality", rejected),
        )
        return sorted((x for x in every if x.minutes > 0), key=lambda x: -x.minutes)


def oee_index(
    start: datetime,
    end: datetime,
    counts: Sequence[ProductionCount],
    stops: Sequence[Downtime],
    ideal_rate: float,
) -> OeeIndex | None:
    """OEE in [start, end), narrowed to where records begin and end; None without any record.

    A stop without end lasts until `end`. Counts that cross an edge are shared by time. Stops that
    overlap are counted once, for the earlier one; what overlaps a planned stop is planned.
    """
    span = _recorded(start, end, counts, stops)
    if span is None:
        return None
    planned = _merge(_clip((s.start, s.end or end), span) for s in stops if s.planned)
    taken = planned
    lost: dict[str, timedelta] = {}
    for stop in sorted((s for s in stops if not s.planned), key=lambda s: s.start):
        free = _outside(_clip((stop.start, stop.end or end), span), taken)
        lost[stop.reason] = lost.get(stop.reason, timedelta()) + _length(free)
        taken = _merge([*taken, *free])
    shares = [(count, _share(count, span)) for count in counts]
    return OeeIndex(
        start=span[0],
        end=span[1],
        planned_minutes=(_length([span]) - _length(planned)) / MINUTE,
        run_minutes=(_length([span]) - _length(taken)) / MINUTE,
        produced=sum(count.total * share for count, share in shares),
        good=sum(min(max(count.good, 0), count.total) * share for count, share in shares),
        ideal_rate=ideal_rate,
        stops=tuple(Loss(reason, "availability", time / MINUTE) for reason, time in lost.items()),
    )


def _recorded(
    start: datetime, end: datetime, counts: Sequence[ProductionCount], stops: Sequence[Downtime]
) -> Span | None:
    spans = [(c.start, c.end) for c in counts] + [(s.start, s.end or end) for s in stops]
    inside = [clipped for span in spans if (clipped := _clip(span, (start, end)))[0] < clipped[1]]
    if not inside:
        return None
    return min(first for first, _ in inside), max(last for _, last in inside)


def _clip(span: Span, bounds: Span) -> Span:
    return max(span[0], bounds[0]), min(span[1], bounds[1])


def _merge(spans: Iterable[Span]) -> list[Span]:
    """Spans joined where they touch, empty ones dropped, in order."""
    merged: list[Span] = []
    for span in sorted(span for span in spans if span[0] < span[1]):
        if merged and span[0] <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], span[1])
        else:
            merged.append(span)
    return merged


def _outside(span: Span, taken: list[Span]) -> list[Span]:
    """The parts of a span that merged spans leave free."""
    free: list[Span] = []
    start, end = span
    for low, high in taken:
        if low >= end:
            break
        if high <= start:
            continue
        if start < low:
            free.append((start, low))
        start = max(start, high)
    if start < end:
        free.append((start, end))
    return free


def _length(spans: Iterable[Span]) -> timedelta:
    return sum((end - start for start, end in spans), timedelta())


def _share(count: ProductionCount, span: Span) -> float:
    """The part of a count's interval that lies in the span (0..1)."""
    low, high = _clip((count.start, count.end), span)
    length = count.end - count.start
    return (high - low) / length if low < high and length else 0.0
