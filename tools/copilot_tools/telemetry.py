"""Latest live values; one that is bad, old or frozen is never given as the current value."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isclose

from copilot_tools.display import format_age, format_time, format_value
from copilot_tools.errors import Retry, Unavailable
from copilot_tools.facts import Column, Fact, Findings, Quality, Source, Table, Value
from copilot_tools.plant import Plant
from copilot_tools.readings import JudgedReading, Point
from copilot_tools.site.model import Asset
from copilot_tools.sources.protocols import Reading
from copilot_tools.timeseries import resting_since, to_arrays, to_time
from copilot_tools.tool import Risk, Text, Texts, tool

NAMED = 6
_REST_OBSERVED = timedelta(days=1)
_STORED_OBSERVED = timedelta(days=7)
_TARGET_WORDS = ("setpoint", "set point", "target")


@tool(risk=Risk.READ, purpose="latest live values")
async def read_signals(plant: Plant, asset: Text, signals: Texts | None = None) -> Findings:
    """Latest values with unit, quality, source time and normal range; all signals when none named.

    When the server is down, the last stored values are given, and said to be just that.
    """
    machine = plant.resolver.asset(asset)
    points, unknown = _choose(plant, machine, signals)
    states = (machine.state_node,) if machine.state_node else ()
    try:
        readings = await plant.telemetry.read([*(p.node for p in points), *states])
    except Unavailable as error:
        return await _stored(plant, machine, points, error, unknown)
    state = readings[len(points)] if states else None
    if is_at_rest(state):
        seen = [JudgedReading(p.unjudged(), r) for p, r in zip(points, readings, strict=False)]
    else:
        resting = await resting_signals(plant, points, readings)
        seen = [
            JudgedReading(p, r, resting.get(p.signal))
            for p, r in zip(points, readings, strict=False)
        ]
    return _report(plant, machine, seen, state, unknown)


def _choose(
    plant: Plant, machine: Asset, names: Sequence[str] | None
) -> tuple[list[Point], list[str]]:
    """The points that are meant, and what to ask back about names that fit none."""
    if names is None:
        return [Point.of_signal(signal) for signal in machine.signals], []
    chosen: dict[str, Point] = {}
    refused: list[Retry] = []
    for name in names:
        try:
            found = _find(plant, machine, name)
        except Retry as error:
            if _names_machine(plant, machine, name):
                return _choose(plant, machine, None)
            refused.append(error)
        else:
            chosen |= {point.name: point for point in found}
    if refused and not chosen:
        raise refused[0]
    return list(chosen.values()), [str(error) for error in refused]


def _names_machine(plant: Plant, machine: Asset, name: str) -> bool:
    """Whether a "signal" is only another name of the machine: then all its signals are meant."""
    return any(match.id == machine.id for match in plant.resolver.assets(name))


def _find(plant: Plant, machine: Asset, name: str) -> list[Point]:
    if name.lower() in ("state", "status") and machine.state_node:
        return []
    lowered = name.lower()
    for word in _TARGET_WORDS:
        if word in lowered and machine.setpoints:
            setpoint = plant.resolver.setpoint(machine, lowered.replace(word, "").strip() or name)
            return [Point.of_setpoint(setpoint)]
    return [Point.of_signal(signal) for signal in plant.resolver.signals(machine, name)]


def is_at_rest(state: Reading | None) -> bool:
    """A machine that does not run has reason to show other values, and the same ones for hours."""
    return state is not None and state.quality is not Quality.BAD and state.value != "running"


async def resting_signals(
    plant: Plant, points: Sequence[Point], readings: Sequence[Reading]
) -> dict[str, datetime]:
    """Signals whose values used to move and have stopped doing so, and since when."""
    ids = [point.signal for point in points if point.signal]
    now = plant.now()
    try:
        stored = await plant.history.read(ids, now - _REST_OBSERVED, now)
    except Unavailable:
        return {}
    resting: dict[str, datetime] = {}
    for point, reading in zip(points, readings, strict=False):
        samples = stored.get(point.signal)
        since = resting_since(*to_arrays(samples)) if samples else None
        if samples and since is not None and _same(reading.value, samples.values[-1]):
            resting[point.signal] = to_time(since)
    return resting


def _same(live: Value, stored: float | None) -> bool:
    """Equal but for the rounding of a historian."""
    if not isinstance(live, int | float) or stored is None:
        return False
    return isclose(live, stored, rel_tol=5e-3)


def _report(
    plant: Plant,
    machine: Asset,
    seen: list[JudgedReading],
    state: Reading | None,
    unknown: list[str],
) -> Findings:
    told = seen if len(seen) <= NAMED else sorted(seen, key=lambda one: one.usual)[:NAMED]
    facts = [fact for one in seen for fact in one.facts(machine.id)]
    head = f"{machine.id} {machine.name}"
    if state is not None:
        running = _state_fact(machine, state)
        facts.append(running)
        head += f" ({running.value})" if told else f" is {running.value}"
    words = [one.words(plant.site.time_zone) for one in told]
    if len(seen) > len(told):
        rest = Source("OPC UA", machine.id)
        facts.append(Fact(machine.id, "further", len(seen) - len(told), rest, plant.now()))
        words.append(f"{len(seen) - len(told)} more in the table")
    return Findings(
        summary=f"{head}: {'; '.join(words)}." if words else f"{head}.",
        facts=tuple(facts),
        tables=(_table(machine, seen, plant.now()),) if len(seen) > 1 else (),
        mentions=(f"{machine.id} {machine.name}", *_mentions(told)),
        notices=tuple(unknown),
    )


def _state_fact(machine: Asset, state: Reading) -> Fact:
    value = state.value if state.quality is not Quality.BAD else "state unknown"
    source = Source("OPC UA", str(state.node))
    return Fact(machine.id, "state", value, source, state.time, quality=state.quality)


def _mentions(told: list[JudgedReading]) -> list[str]:
    return [
        f"{one.point.name} {format_value(one.reading.value)}"
        for one in told
        if one.quality is Quality.GOOD
    ]


def _table(machine: Asset, seen: list[JudgedReading], now: datetime) -> Table:
    headings = ("signal", "value", "unit", "quality", "time", "normal from", "normal to")
    limits = ("low-low limit", "low limit", "high limit", "high-high limit")
    return Table(
        title=f"{machine.id} {machine.name}, live",
        columns=tuple(Column(name) for name in (*headings, *limits)),
        rows=tuple(
            (
                *(one.point.name, one.reading.value, one.point.unit, one.quality.value),
                one.reading.time,
                one.point.normal.low if one.point.normal else None,
                one.point.normal.high if one.point.normal else None,
                *(one.point.limits.low_low, one.point.limits.low),
                *(one.point.limits.high, one.point.limits.high_high),
            )
            for one in seen
        ),
        total=len(seen),
        source=Source("OPC UA", machine.id),
        time=now,
    )


async def _stored(
    plant: Plant, machine: Asset, points: list[Point], error: Unavailable, unknown: list[str]
) -> Findings:
    """The last stored values while the server is down; without any, `error` is the answer."""
    now, zone = plant.now(), plant.site.time_zone
    ids = {point.signal: point for point in points if point.signal}
    try:
        stored = await plant.history.read(list(ids), now - _STORED_OBSERVED, now)
    except Unavailable:
        raise error from None
    facts: list[Fact] = []
    words: list[str] = []
    for key, point in ids.items():
        pairs = zip(stored[key].times, stored[key].values, strict=True)
        time, value = next(((t, v) for t, v in reversed(list(pairs)) if v is not None), (now, None))
        if value is None:
            continue
        last = Fact(
            subject=machine.id,
            name=f"{point.name} last stored",
            value=value,
            source=Source("history", key),
            time=time,
            unit=point.unit,
            quality=Quality.STALE,
        )
        age = Fact(machine.id, f"{point.name} age", format_age(now - time), last.source, now)
        facts += [last, age]
        shown = f"{point.name} {format_value(value, point.unit)}"
        words.append(f"{shown}, {age.value} old ({format_time(time, zone)})")
    if not words:
        raise error
    summary = f"{machine.id} {machine.name}: no live values, {error}"
    if error.since is not None:
        facts.append(Fact(machine.id, "last live answer", error.since, Source("OPC UA", ""), now))
        summary += f"; it last answered at {format_time(error.since, zone)}"
    return Findings(
        summary=f"{summary}.",
        facts=tuple(facts),
        mentions=(f"{machine.id} {machine.name}",),
        notices=(f"Last stored, not live: {'; '.join(words[:NAMED])}.", *unknown),
    )
