"""Remaining useful life: when the signal that shows a component's wear will reach its limit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from copilot_tools.display import format_time, format_value
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Fact, Findings, Range, Source, Value
from copilot_tools.models.wear import COVERAGE, LEAST_POINTS, Trend, last_renewal, project
from copilot_tools.operation import is_running, motion_signal
from copilot_tools.plant import Plant
from copilot_tools.records import WorkOrder, WorkOrderStatus
from copilot_tools.site.model import Asset, Component, Signal, Wear
from copilot_tools.site.names import split_words
from copilot_tools.timeseries import Floats, bucket_medians, to_arrays
from copilot_tools.tool import Risk, Text, tool

HISTORY = timedelta(days=60)
FITTED_DAYS = 8.0
HORIZON_DAYS = 90.0
BUCKET_S = 6 * 3600.0
_DAY = 86400.0
METHOD = "trend of the wear signal"


@dataclass(frozen=True, slots=True)
class _Life:
    """What could be learned of one component; `trend` is None when history does not suffice."""

    component: Component
    signal: Signal
    wear: Wear
    since: datetime
    renewed: bool
    trend: Trend | None


@tool(risk=Risk.READ, purpose="remaining useful life, time to failure")
async def predict_rul(plant: Plant, asset: Text, component: Text | None = None) -> Findings:
    """Days until each worn component of a machine reaches its limit; or why that is not known."""
    machine = plant.resolver.asset(asset)
    wanted = (
        [plant.resolver.component(machine, component)] if component else list(machine.components)
    )
    judged = [c for c in wanted if c.wear is not None]
    if not judged:
        return _unknown(machine, wanted)
    jobs, notices = await _done_jobs(plant, machine)
    lives = [await _judge(plant, machine, each, jobs) for each in judged]
    lives.sort(key=lambda life: _days(life.trend))
    said = [_words(machine, life, plant) for life in lives]
    return Findings(
        summary=" ".join(said[:3]),
        facts=tuple(fact for life in lives for fact in _facts(machine, life, plant.now())),
        mentions=(f"{machine.id} {machine.name}", *(life.component.name for life in lives)),
        notices=notices,
    )


def _unknown(machine: Asset, wanted: list[Component]) -> Findings:
    names = ", ".join(component.name for component in wanted) or "any component"
    return Findings(
        f"I cannot see the wear of {machine.id} {machine.name}: the plant model names no signal "
        f"that shows it for {names}.",
        mentions=(f"{machine.id} {machine.name}",),
    )


async def _done_jobs(plant: Plant, machine: Asset) -> tuple[list[WorkOrder], tuple[str, ...]]:
    now = plant.now()
    try:
        jobs = await plant.erp.work_orders([machine.id], now - HISTORY, now)
    except Unavailable as error:
        return [], (f"Past repairs are told from the signal alone: {error}.",)
    return [job for job in jobs if job.status is WorkOrderStatus.DONE and job.finished], ()


async def _judge(
    plant: Plant, machine: Asset, component: Component, jobs: list[WorkOrder]
) -> _Life:
    wear = component.wear
    assert wear is not None
    now = plant.now()
    signal = next(s for s in machine.signals if s.name == wear.signal)
    start = now - HISTORY
    days, values = await _running_medians(plant, machine, signal, start)
    renewed = _renewed(component, jobs, days, values, wear, start)
    first = max(renewed or 0.0, days[-1] - FITTED_DAYS)
    used = (days >= first) & np.isfinite(values)
    enough = used.sum() >= LEAST_POINTS
    trend = project(days[used], values[used], wear.threshold, wear.rising) if enough else None
    since = start + timedelta(days=float(first))
    return _Life(component, signal, wear, since, renewed is not None and first == renewed, trend)


async def _running_medians(
    plant: Plant, machine: Asset, signal: Signal, start: datetime
) -> tuple[Floats, Floats]:
    """Six-hour medians of a signal while the machine ran; days since `start`, the last is now."""
    motion = motion_signal(machine)
    wanted = [signal.id] + ([motion.id] if motion and motion != signal else [])
    found = await plant.history.read(wanted, start, plant.now())
    seconds, values = to_arrays(found[signal.id])
    if len(wanted) > 1:
        moved_at, moving = to_arrays(found[wanted[1]])
        if len(moved_at):
            nearest = np.clip(np.searchsorted(moved_at, seconds), 0, len(moved_at) - 1)
            values = np.where(is_running(moving, moving)[nearest], values, np.nan)
    count = int(HISTORY.total_seconds() / BUCKET_S)
    medians = bucket_medians(seconds, values, start.timestamp(), BUCKET_S, count)
    days = np.arange(1, count + 1, dtype=np.float64) * (BUCKET_S / _DAY)
    return days, medians


def _renewed(
    component: Component,
    jobs: list[WorkOrder],
    days: Floats,
    values: Floats,
    wear: Wear,
    start: datetime,
) -> float | None:
    """The day of the last repair: by a finished job on the component, or by the signal's jump."""
    words = set(split_words(component.name))
    finished = [
        (job.finished - start).total_seconds() / _DAY
        for job in jobs
        if job.finished and job.kind == "corrective" and words <= set(split_words(job.component))
    ]
    jumped = last_renewal(days, values, wear.threshold, wear.rising)
    known = [*finished, *([jumped] if jumped is not None else [])]
    return max(known, default=None)


def _days(trend: Trend | None) -> float:
    return trend.days if trend is not None and trend.days is not None else float("inf")


def _words(machine: Asset, life: _Life, plant: Plant) -> str:
    name = f"{machine.id} {life.component.name}"
    unit, trend = life.signal.unit, life.trend
    if trend is None:
        since = format_time(life.since, plant.site.time_zone)
        why = "since its repair" if life.renewed else "yet"
        return f"{name}: not enough history {why} to tell its remaining life (from {since})."
    level = f"{life.signal.name} {format_value(trend.level, unit)}"
    limit = format_value(life.wear.threshold, unit)
    if trend.days == 0:
        return f"{name}: {level} has reached its limit of {limit}."
    if trend.days is None or trend.days > HORIZON_DAYS:
        horizon = format_value(HORIZON_DAYS, "days")
        return f"{name}: no sign of wear that would reach its limit within {horizon} ({level})."
    change = format_value(abs(trend.per_day), f"{unit}/day")
    way = "rises" if trend.per_day > 0 else "falls"
    low, high = _interval(trend)
    upper = f"to {format_value(high)}" if high < HORIZON_DAYS else f"to over {HORIZON_DAYS:g}"
    return (
        f"{name}: about {format_value(round(trend.days, 1))} days left "
        f"({_percent()} interval {format_value(low)} {upper} days); "
        f"{level} {way} by {change} towards {limit}."
    )


def _interval(trend: Trend) -> tuple[float, float]:
    low, high = trend.low or 0.0, trend.high or HORIZON_DAYS
    return round(low, 1), round(min(high, HORIZON_DAYS), 1)


def _percent() -> str:
    return f"{COVERAGE:.0%}".replace("%", " %")


def _facts(machine: Asset, life: _Life, now: datetime) -> Iterator[Fact]:
    source = Source("model", f"{METHOD}: {life.signal.id}")
    part = life.component.name

    def fact(name: str, value: Value, unit: str = "", interval: Range | None = None) -> Fact:
        return Fact(machine.id, f"{part}: {name}", value, source, now, unit, interval=interval)

    if life.trend is not None:
        trend = life.trend
        if trend.days is not None and trend.days <= HORIZON_DAYS:
            low, high = _interval(trend)
            name = f"remaining life, {_percent()} interval"
            yield fact(name, round(trend.days, 1), "days", Range(low, high))
        yield fact(f"{life.signal.name} now", trend.level, life.signal.unit)
        yield fact("change per day", abs(trend.per_day), f"{life.signal.unit}/day")
    yield fact("limit", life.wear.threshold, life.signal.unit)
    yield fact("looked at since", life.since)
    yield fact("horizon", HORIZON_DAYS, "days")
