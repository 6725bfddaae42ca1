"""How long wearing components will last: the wear signal's trend carried on to its limit."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta

from copilot_tools.component_life import HISTORY, Evidence, Life, judge_component
from copilot_tools.display import format_number, format_time, format_value
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Fact, Findings, Quality, Range, Series, Source, Value
from copilot_tools.models.wear import CONFIDENCE
from copilot_tools.operation import motion_signal
from copilot_tools.plant import Plant
from copilot_tools.records import WorkOrder, WorkOrderStatus
from copilot_tools.site.model import Asset, Component
from copilot_tools.timeseries import to_time
from copilot_tools.tool import Risk, Text, tool

METHOD = "power-law trend of the medians of running days, interval by resampled residuals"
_ORDER = ("reached", "estimate", "beyond horizon", "no wear", "not enough history")
_STALE = timedelta(days=2)


@tool(risk=Risk.READ, purpose="remaining useful life, time to failure")
async def predict_rul(plant: Plant, asset: Text, component: Text | None = None) -> Findings:
    """Time until a component's wear signal reaches its limit, with an 80 % interval.

    Only components with a wear signal in the plant model can be judged. A repair starts the count
    anew; nothing is said beyond 60 days, nor beyond three times as long as the wear was seen.
    """
    machine = plant.resolver.asset(asset)
    chosen = [plant.resolver.component(machine, component)] if component else machine.components
    worn = [part for part in chosen if part.wear is not None]
    if not worn:
        return _unknown(machine, chosen if component else ())
    lives, notices = await _judge(plant, machine, worn)
    return _report(plant, machine, sorted(lives, key=_urgency), notices)


async def _judge(
    plant: Plant, machine: Asset, worn: Sequence[Component]
) -> tuple[list[Life], tuple[str, ...]]:
    signals = {signal.name: signal for signal in machine.signals}
    told = [(part, part.wear, signals[part.wear.signal]) for part in worn if part.wear]
    motion = motion_signal(machine)
    ids = dict.fromkeys([*(s.id for _, _, s in told), *([motion.id] if motion else [])])
    now = plant.now()
    samples = await plant.history.read(list(ids), now - HISTORY, now)
    repairs, notices = await _repairs(plant, machine)
    seen = Evidence(samples, motion, repairs, now)

    def judge_all() -> list[Life]:
        return [judge_component(part, wear, signal, seen) for part, wear, signal in told]

    return await asyncio.to_thread(judge_all), notices


def _unknown(machine: Asset, named: Sequence[Component]) -> Findings:
    what = f" for {named[0].name}" if named else ""
    return Findings(
        f"I cannot see the wear of {machine.id} {machine.name}: the plant model names no signal "
        f"that shows it{what}.",
        mentions=(f"{machine.id} {machine.name}", *(part.name for part in named)),
    )


async def _repairs(plant: Plant, machine: Asset) -> tuple[list[WorkOrder], tuple[str, ...]]:
    try:
        orders = await plant.erp.work_orders([machine.id], None, None)
    except Unavailable as error:
        return [], (f"{error}. Repairs are told from the signal alone.",)
    return [o for o in orders if o.status is WorkOrderStatus.DONE and o.finished], ()


def _urgency(life: Life) -> tuple[int, float]:
    return _ORDER.index(life.outlook), life.trend.days if life.trend else 0.0


def _report(
    plant: Plant, machine: Asset, lives: Sequence[Life], notices: tuple[str, ...]
) -> Findings:
    name = f"{machine.id} {machine.name}"
    old = plant.now() - max(life.newest for life in lives) > _STALE
    if old:
        newest = format_time(max(life.newest for life in lives), plant.site.time_zone)
        notices += (f"The newest data of the running machine are of {newest}.",)
    return Findings(
        summary=f"{name}: {'; '.join(_describe(plant, life) for life in lives)}.",
        facts=tuple(fact for life in lives for fact in _facts(plant, machine, life)),
        series=tuple(_series(plant, machine, life) for life in lives if len(life.days) > 1),
        mentions=(name, *(life.component.name for life in lives)),
        notices=notices,
    )


def _describe(plant: Plant, life: Life) -> str:
    part, signal, trend = life.component.name, life.signal, life.trend
    limit = format_value(life.wear.threshold, signal.unit)
    if trend is None:
        if life.since is None:
            return f"{part}: not enough history yet of the running machine to see wear"
        since = format_time(life.since, plant.site.time_zone)
        return f"{part}: not enough history since its repair of {since} to see wear"
    now = f"{signal.name} {format_value(trend.level, signal.unit)}"
    match life.outlook:
        case "reached":
            return f"{part}: {signal.name} has reached its limit of {limit}"
        case "no wear":
            return f"{part}: no sign of wear, {now} with a limit of {limit}"
        case "beyond horizon":
            days = format_value(_rounded(life.horizon), "days")
            return f"{part}: wears, but no end within {days}, {now} with a limit of {limit}"
    open_end = trend.high > life.horizon
    high = f"more than {format_number(_rounded(life.horizon))}" if open_end else ""
    high = high or format_number(_rounded(trend.high))
    rate = format_value(abs(trend.rate), f"{signal.unit} a day")
    share = format_value(round(100 * CONFIDENCE), "%")
    return (
        f"{part}: about {format_value(_rounded(trend.days), 'days')} until {signal.name} reaches "
        f"{limit} ({share} interval {format_number(_rounded(trend.low))} to {high} days); {now}, "
        f"{'rising' if life.wear.rising else 'falling'} {rate}"
    )


def _rounded(days: float) -> float:
    """Days to the precision that an estimate deserves."""
    return round(days, 1) if days < 10 else float(round(days))


def _facts(plant: Plant, machine: Asset, life: Life) -> Iterator[Fact]:
    signal, trend, part = life.signal, life.trend, life.component.name
    source = Source("history", signal.id)

    def fact(name: str, value: Value, unit: str = "", interval: Range | None = None) -> Fact:
        full = f"{part} {name}"
        return Fact(
            machine.id,
            full,
            value,
            source,
            life.newest,
            unit,
            Quality.UNCERTAIN if interval else Quality.GOOD,
            interval=interval,
            note=METHOD,
        )

    yield fact("outlook", life.outlook)
    yield fact("newest running sample", life.newest)
    yield fact(f"limit of {signal.name}", life.wear.threshold, signal.unit)
    if life.since is not None:
        yield fact("last made good", life.since)
    if trend is None:
        return
    yield fact(signal.name, trend.level, signal.unit)
    yield fact("horizon", _rounded(life.horizon), "days")
    if life.outlook != "estimate":
        return
    high = _rounded(trend.high) if trend.high <= life.horizon else None
    bounds = Range(_rounded(trend.low), high)
    yield fact("remaining life", _rounded(trend.days), "days", bounds)
    yield fact("confidence of the interval", round(100 * CONFIDENCE), "%")
    yield fact("rate of wear", abs(trend.rate), f"{signal.unit} a day")
    yield fact("limit expected", plant.now() + timedelta(days=trend.days))


def _series(plant: Plant, machine: Asset, life: Life) -> Series:
    """The daily medians that the trend was drawn through, with the limit as the range's end."""
    now = plant.now().timestamp()
    limit = life.wear.threshold
    return Series(
        machine.id,
        f"{life.signal.name}, median of each day",
        life.signal.unit,
        tuple(to_time(now + day * 86400) for day in life.days.tolist()),
        tuple(life.medians.tolist()),
        Source("history", life.signal.id),
        Range(high=limit) if life.wear.rising else Range(low=limit),
    )
