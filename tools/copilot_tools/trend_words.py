"""How the trend of a component's wear is told: words, facts and the course it was drawn through."""

from collections.abc import Iterator
from datetime import timedelta

from copilot_tools.component_life import Life
from copilot_tools.display import format_number, format_time, format_value
from copilot_tools.facts import Fact, Quality, Range, Series, Source, Value
from copilot_tools.models.wear import CONFIDENCE
from copilot_tools.plant import Plant
from copilot_tools.predictions import TREND, Prediction
from copilot_tools.site.model import Asset
from copilot_tools.timeseries import to_time

METHOD = "power-law trend of the medians of running days, interval by resampled residuals"


def describe_trend(plant: Plant, life: Life) -> str:
    """The outlook in a few words."""
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
            days = format_value(rounded(life.horizon), "days")
            return f"{part}: wears, but no end within {days}, {now} with a limit of {limit}"
    open_end = trend.high > life.horizon
    high = f"more than {format_number(rounded(life.horizon))}" if open_end else ""
    high = high or format_number(rounded(trend.high))
    rate = format_value(abs(trend.rate), f"{signal.unit} a day")
    share = format_value(round(100 * CONFIDENCE), "%")
    return (
        f"{part}: about {format_value(rounded(trend.days), 'days')} until {signal.name} reaches "
        f"{limit} ({share} interval {format_number(rounded(trend.low))} to {high} days); {now}, "
        f"{'rising' if life.wear.rising else 'falling'} {rate}"
    )


def rounded(days: float) -> float:
    """Days to the precision that an estimate deserves."""
    return round(days, 1) if days < 10 else float(round(days))


def trend_facts(plant: Plant, machine: Asset, life: Life, told: bool) -> Iterator[Fact]:
    """What the trend shows; its estimate only where it is what is `told`."""
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
    yield fact("horizon", rounded(life.horizon), "days")
    if life.outlook != "estimate" or not told:
        return
    high = rounded(trend.high) if trend.high <= life.horizon else None
    bounds = Range(rounded(trend.low), high)
    yield fact("remaining life", rounded(trend.days), "days", bounds)
    yield fact("confidence of the interval", round(100 * CONFIDENCE), "%")
    yield fact("rate of wear", abs(trend.rate), f"{signal.unit} a day")
    yield fact("limit expected", plant.now() + timedelta(days=trend.days))


def trend_series(plant: Plant, machine: Asset, life: Life) -> Series:
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


def trend_prediction(plant: Plant, life: Life) -> Prediction | None:
    """What the trend predicts, to be held against what happens; None where it says nothing."""
    trend = life.trend
    if trend is None or life.outlook not in ("estimate", "beyond horizon"):
        return None
    sure = life.outlook == "estimate"
    return Prediction(
        asset=life.component.asset,
        component=life.component.name,
        at=plant.now(),
        model=TREND,
        role="told",
        days=trend.days if sure else life.horizon,
        low=trend.low if sure else life.horizon,
        high=trend.high if sure and trend.high <= life.horizon else None,
    )
