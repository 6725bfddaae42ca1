"""Whether a machine is unlike itself: since when, and which signals by how much."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from copilot_tools.comparison import Deviation
from copilot_tools.display import format_number, format_time, format_value
from copilot_tools.errors import Unavailable
from copilot_tools.examination import Examination, examine
from copilot_tools.facts import Column, Fact, Findings, Quality, Series, Source, Table, Value
from copilot_tools.models.registry.manifest import Manifest
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset
from copilot_tools.timeseries import thin, to_time
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.watched import Unlike
from copilot_tools.windows import parse_window

DEFAULT_WINDOW = "24h"
CLEAR_SIGMAS = 3.0
NAMED = 4
DRAWN = 2
METHOD = "shrunk Mahalanobis distance of medians over time from the own history"
LIVE = "distance of smoothed live readings from a baseline learnt weeks before"


@tool(risk=Risk.READ, purpose="abnormal behaviour, since when, which sensors")
async def detect_anomalies(plant: Plant, asset: Text, window: Window | None = None) -> Findings:
    """Compares the running machine with its own history at the same operating point and product.

    Without a window the last 24 hours are looked at.
    """
    machine = plant.resolver.asset(asset)
    period = parse_window(window or DEFAULT_WINDOW, plant.site, plant.now())
    live = plant.watch(machine.id) if plant.watch and window is None else None
    try:
        found = _report(plant, await examine(plant, machine, period))
    except Unavailable as error:
        if live is None:
            raise
        found = Findings(f"{machine.id} {machine.name}: {error}.")
    return found if live is None else _with_live(plant, machine, found, live)


def _with_live(plant: Plant, asset: Asset, found: Findings, live: Unlike) -> Findings:
    """The same findings with what the watch over the live readings sees."""
    since = format_time(live.since, plant.site.time_zone)
    source = Source("OPC UA", asset.id)

    def fact(name: str, value: Value, unit: str = "") -> Fact:
        return Fact(asset.id, name, value, source, live.seen, unit, note=LIVE)

    facts = [
        fact("unlike itself live since", live.since),
        fact("live score", round(live.score, 1)),
    ]
    notice = f"By its live readings {asset.id} is unlike itself since {since}"
    for lead in live.shifts[:1]:
        name, unit = lead.signal.name, lead.signal.unit
        facts.append(fact(f"{name} live against usual", lead.shift, unit))
        side = "above" if lead.shift > 0 else "below"
        notice += f", most of all {name}, {format_value(abs(lead.shift), unit)} {side} usual"
    return replace(found, facts=(*found.facts, *facts), notices=(*found.notices, f"{notice}."))


def _report(plant: Plant, seen: Examination) -> Findings:
    name = f"{seen.asset.id} {seen.asset.name}"
    clear = [d for d in seen.deviations if abs(d.sigmas) >= CLEAR_SIGMAS][:NAMED]
    notices = list(seen.notices)
    if seen.left_out:
        notices.append(f"Too few values to judge {', '.join(seen.left_out)}.")
    for signal, since in seen.resting:
        when = format_time(since, plant.site.time_zone)
        notices.append(f"{signal} has not moved since {when} and is perhaps frozen.")
    if seen.on_the_spot:
        notices.append(f"{seen.on_the_spot}; what is usual was learnt on the spot instead.")
    weeks = "weeks before" if seen.model else "weeks learnt from"
    for drift in seen.drifted:
        side = "rose" if drift.shift > 0 else "fell"
        amount = format_value(abs(drift.shift), drift.signal.unit)
        notices.append(
            f"{drift.signal.name} {side} by {amount} at the same operating point in the last of "
            f"the {weeks}; what is usual may be out of date."
        )
    judged = seen.verdict in ("normal", "abnormal", "unknown operating point")
    return Findings(
        summary=f"{name} {_describe(plant, seen, clear)}",
        facts=tuple(_facts(plant, seen, clear)),
        series=tuple(_series(seen, clear)) if seen.verdict == "abnormal" else (),
        tables=tuple(_tables(plant, seen)) if judged else (),
        mentions=(name, *(f"{deviation.signal.name}" for deviation in clear)),
        notices=tuple(notices),
    )


def _describe(plant: Plant, seen: Examination, clear: list[Deviation]) -> str:
    zone, label = plant.site.time_zone, seen.period.label
    known = f"{format_number(seen.reference_days)} days of running history"
    score, factor = (format_number(round(number, 1)) for number in (seen.score, seen.factor))
    score = f"score {score}, abnormal from {factor}"
    match seen.verdict:
        case "not enough data":
            return f"cannot be judged, {label}: not enough data beside {known}."
        case "not running":
            return f"was not running long enough to be judged, {label}."
        case "unknown operating point":
            lead = _shift(seen.deviations[0])
            return f"runs at an operating point that its history hardly knows, {label}: {lead}."
        case "normal":
            return f"runs as usual, {label} ({score})."
    what = "; ".join(_shift(deviation) for deviation in clear)
    begin = format_time(seen.begin, zone) if seen.begin else ""
    often = f" That was spell {len(seen.spells)} in this time." if len(seen.spells) > 1 else ""
    if seen.end is None:
        return f"is unlike itself since {begin} ({score}): {what}.{often}"
    end = format_time(seen.end, zone)
    return (
        f"was unlike itself from {begin} to {end} and is as usual again ({score}): {what}.{often}"
    )


def _shift(deviation: Deviation) -> str:
    side = "above" if deviation.shift > 0 else "below"
    signal = deviation.signal
    amount = format_value(abs(deviation.shift), signal.unit)
    return f"{signal.name} {amount} {side} usual, at {format_value(deviation.level, signal.unit)}"


def _facts(plant: Plant, seen: Examination, clear: list[Deviation]) -> Iterator[Fact]:
    source = Source("history", seen.asset.id)
    quality = Quality.GOOD if seen.verdict in ("normal", "abnormal") else Quality.UNCERTAIN

    def fact(name: str, value: Value, unit: str = "") -> Fact:
        return Fact(seen.asset.id, name, value, source, seen.newest, unit, quality, note=METHOD)

    yield fact("behaviour", seen.verdict)
    yield fact("period", seen.period.label)
    yield fact("running history", seen.reference_days, "days")
    if seen.model is not None:
        yield from _model_facts(seen.model, fact)
    if seen.on_the_spot:
        yield fact("learnt on the spot because", seen.on_the_spot)
    yield fact("abnormality score", round(seen.score, 1))
    yield fact("abnormal from score", round(seen.factor, 1))
    if seen.spells:
        yield fact("abnormal spells", len(seen.spells))
    if seen.begin is not None:
        yield fact("unlike itself since", seen.begin)
    if seen.end is not None:
        yield fact("as usual again since", seen.end)
    for name, since in seen.resting:
        yield fact(f"{name} unchanged since", since)
    for drift in seen.drifted:
        yield fact(f"{drift.signal.name} drift", drift.shift, drift.signal.unit)
    for deviation in clear or seen.deviations[:1]:
        signal = deviation.signal
        yield fact(f"{signal.name} against usual", deviation.shift, signal.unit)
        yield fact(f"{signal.name} level", deviation.level, signal.unit)


def _model_facts(model: Manifest, fact: Callable[..., Fact]) -> Iterator[Fact]:
    """Which model says what is usual, and how fresh it is."""
    yield fact("trained model", model.name)
    yield fact("model trained", model.created)
    if model.until is not None:
        yield fact("model learnt from data until", model.until)
    days = model.metrics.get("running days")
    if days is not None:
        yield fact("model learnt from running history", round(days, 1), "days")


def _series(seen: Examination, clear: list[Deviation]) -> Iterator[Series]:
    """The course of the signals that stand out, from the begin of the spell on."""
    course = seen.course
    if course is None:
        return
    start = min(seen.begin or seen.period.start, seen.period.start)
    rows = course.between(start, seen.period.end)
    times = tuple(to_time(second) for second in course.seconds[rows].tolist())
    for deviation in clear[:DRAWN]:
        signal = deviation.signal
        values = course.rows[rows, course.signals.index(signal)].tolist()
        drawn = thin(times, [None if value != value else value for value in values])
        source = Source("history", signal.id)
        yield Series(seen.asset.id, signal.name, signal.unit, *drawn, source, signal.normal)


def _tables(plant: Plant, seen: Examination) -> Iterator[Table]:
    headings = ("signal", "level", "against usual", "unit", "usual scatters", "share")
    source = Source("history", seen.asset.id)
    yield Table(
        title=f"{seen.asset.id} against its own history",
        columns=tuple(Column(heading) for heading in headings),
        rows=tuple(
            (d.signal.name, d.level, d.shift, d.signal.unit, round(d.sigmas, 1), round(d.share, 2))
            for d in seen.deviations
        ),
        total=len(seen.deviations),
        source=source,
        time=seen.newest,
    )
    if len(seen.spells) > 1:
        yield _spells(seen, source)


def _spells(seen: Examination, source: Source) -> Table:
    """Every abnormal spell of the period, the newest first."""
    headings = ("unlike itself from", "until", "score", "highest", "most unlike usual")
    return Table(
        title=f"{seen.asset.id}, abnormal spells",
        columns=tuple(Column(heading) for heading in headings),
        rows=tuple(
            (
                spell.begin,
                spell.end or "now",
                round(spell.score, 1),
                round(spell.peak, 1),
                _shift(spell.deviations[0]),
            )
            for spell in reversed(seen.spells)
        ),
        total=len(seen.spells),
        source=source,
        time=seen.newest,
    )
