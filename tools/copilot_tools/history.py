"""What the plant remembers of one signal: its course, statistics, and what is missing in it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from copilot_tools.display import format_age, format_time, format_value
from copilot_tools.facts import Fact, Findings, Series, Source, Value
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset, Signal
from copilot_tools.sources.protocols import Samples
from copilot_tools.timeseries import (
    Floats,
    find_gaps,
    robust_sd,
    theil_sen,
    thin,
    time_mean,
    to_arrays,
    to_time,
    with_holes,
)
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.windows import Period, parse_window

_HOUR, _DAY = 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class _Subject:
    """The signal and period a trend is about."""

    asset: Asset
    signal: Signal
    period: Period

    @property
    def source(self) -> Source:
        return Source("history", self.signal.id)

    def fact(self, name: str, value: Value, time: datetime, unit: str = "") -> Fact:
        full = f"{self.signal.name} {name}"
        return Fact(self.asset.id, full, value, self.source, time, unit)

    def title(self) -> str:
        return f"{self.asset.id} {self.signal.name}, {self.period.label}"


@tool(risk=Risk.READ, purpose="history of one signal")
async def read_trend(plant: Plant, asset: Text, signal: Text, window: Window) -> Findings:
    """The course of a signal over a window, compared with the time of equal length before it."""
    machine = plant.resolver.asset(asset)
    wanted = plant.resolver.signal(machine, signal)
    period = parse_window(window, plant.site, plant.now())
    found = await plant.history.read([wanted.id], period.start - period.length, period.end)
    subject = _Subject(machine, wanted, period)
    earlier, samples = _split(found[wanted.id], period.start)
    if all(value is None for value in samples.values):
        return _nothing(subject, samples, await plant.history.last(wanted.id), plant)
    return _report(subject, samples, earlier, plant)


def _split(samples: Samples, at: datetime) -> tuple[Samples, Samples]:
    """The samples before `at`, and those from then on."""
    cut = next((i for i, time in enumerate(samples.times) if time >= at), len(samples.times))
    return (
        Samples(samples.signal, samples.times[:cut], samples.values[:cut]),
        Samples(samples.signal, samples.times[cut:], samples.values[cut:]),
    )


def _nothing(subject: _Subject, samples: Samples, last: datetime | None, plant: Plant) -> Findings:
    """Why there is no trend to show."""
    facts = [subject.fact("period", subject.period.label, plant.now())]
    which = "only bad values are stored" if samples.times else "no values are stored"
    summary = f"{subject.title()}: {which}"
    if last is None:
        return Findings(f"{summary}, nor at any other time.", tuple(facts))
    facts.append(subject.fact("newest sample", last, last))
    when = format_time(last, plant.site.time_zone)
    return Findings(f"{summary}; the newest stored sample is of {when}.", tuple(facts))


def _report(subject: _Subject, samples: Samples, earlier: Samples, plant: Plant) -> Findings:
    signal, period, zone = subject.signal, subject.period, plant.site.time_zone
    seconds, values = to_arrays(samples)
    end = min(period.end, plant.now())
    gaps = find_gaps(seconds, period.start.timestamp(), end.timestamp())
    if signal.counter:
        said = list(_counted(subject, seconds, values))
    else:
        said = list(_course(subject, seconds, values, zone))
        said += _compared(subject, seconds, values, earlier)
        said += _heading(subject, seconds, values)
    missing = list(_missing(subject, values, gaps, end))
    drawn = with_holes(samples, gaps)
    series = Series(
        subject.asset.id,
        signal.name,
        signal.unit,
        *thin(drawn.times, drawn.values),
        subject.source,
        signal.normal,
    )
    last = said[0].facts[0]
    return Findings(
        summary=f"{subject.title()}: {'; '.join(each.text for each in said)}.",
        facts=(
            *(fact for each in (*said, *missing) for fact in each.facts),
            subject.fact("period", period.label, plant.now()),
        ),
        series=(series,),
        mentions=(
            f"{subject.asset.id} {subject.asset.name}",
            f"{signal.name} {format_value(last.value)}",
        ),
        notices=tuple(f"{each.text}." for each in missing),
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """A piece of the answer and the facts its numbers are taken from."""

    text: str
    facts: tuple[Fact, ...]


def _course(subject: _Subject, seconds: Floats, values: Floats, zone: ZoneInfo) -> Iterator[_Said]:
    """Last, lowest, highest and mean value, and where the signal is heading."""
    unit = subject.signal.unit
    newest = int(np.flatnonzero(np.isfinite(values))[-1])
    last = replace(
        subject.fact("last value", float(values[newest]), to_time(seconds[newest]), unit),
        normal=subject.signal.normal,
    )
    yield _Said(f"last {_number(last)}", (last,))
    for name, place in (
        ("lowest", int(np.nanargmin(values))),
        ("highest", int(np.nanargmax(values))),
    ):
        fact = subject.fact(name, float(values[place]), to_time(seconds[place]), unit)
        yield _Said(f"{name} {_number(fact)} at {format_time(fact.time, zone)}", (fact,))
    mean = subject.fact("mean", time_mean(seconds, values), last.time, unit)
    yield _Said(f"mean {_number(mean)}", (mean,))


def _heading(subject: _Subject, seconds: Floats, values: Floats) -> Iterator[_Said]:
    """The robust slope, and whether it stands out from the scatter around it."""
    slope = theil_sen(seconds, values)
    if not np.isfinite(slope):
        return
    span = seconds[-1] - seconds[0]
    per, scale = ("h", _HOUR) if span <= 2 * _DAY else ("day", _DAY)
    unit = f"{subject.signal.unit or '1'}/{per}"
    fact = subject.fact("slope", slope * scale, to_time(seconds[-1]), unit)
    scatter = robust_sd(values - slope * (seconds - seconds[0]))
    if abs(slope) * span <= max(scatter, 1e-9 * float(np.nanmax(np.abs(values)))):
        yield _Said("steady", (fact,))
    else:
        way = "rising" if slope > 0 else "falling"
        yield _Said(f"{way} by {format_value(abs(slope * scale), fact.unit)}", (fact,))


def _counted(subject: _Subject, seconds: Floats, values: Floats) -> Iterator[_Said]:
    """What a counter counted; a fall is a reset, after which it counts from zero."""
    good = np.isfinite(values)
    steps = np.diff(values[good])
    total = float(np.where(steps >= 0, steps, values[good][1:]).sum())
    unit, time = subject.signal.unit, to_time(seconds[good][-1])
    last = subject.fact("last value", float(values[good][-1]), time, unit)
    yield _Said(f"stands at {_number(last)}", (last,))
    counted = subject.fact("counted", total, time, unit)
    yield _Said(f"counted {_number(counted)}", (counted,))


def _compared(
    subject: _Subject, seconds: Floats, values: Floats, earlier: Samples
) -> Iterator[_Said]:
    """How the mean differs from the time of equal length before, where that is known well."""
    earlier_seconds, before = to_arrays(earlier)
    good = earlier_seconds[np.isfinite(before)]
    if len(good) < 2 or good[-1] - good[0] < (seconds[-1] - seconds[0]) / 2:
        return
    time, unit = earlier.times[-1], subject.signal.unit
    mean = time_mean(earlier_seconds, before)
    change = time_mean(seconds, values) - mean
    facts = (
        subject.fact("mean of the time before", mean, time, unit),
        subject.fact("change of the mean", change, time, unit),
    )
    way = "more" if change > 0 else "less"
    amount = format_value(abs(change), unit)
    yield _Said(f"that is {amount} {way} than in the equally long time before", facts)


def _missing(
    subject: _Subject, values: Floats, gaps: list[tuple[float, float]], end: datetime
) -> Iterator[_Said]:
    """What the statistics could not see: bad samples, and times without any."""
    good = float(np.isfinite(values).mean())
    share = subject.fact("good samples", 100 * good, end, "%")
    if good < 1:
        yield _Said(f"Only {_number(share)} of the samples are good", (share,))
    if not gaps:
        return
    lost = sum(stop - start for start, stop in gaps)
    time = subject.fact("time without samples", format_age(timedelta(seconds=lost)), end)
    count = subject.fact("gaps", len(gaps), end)
    many = "a gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
    yield _Said(f"There is no data for {time.value} in {many}", (time, count))


def _number(fact: Fact) -> str:
    return format_value(fact.value, fact.unit)
