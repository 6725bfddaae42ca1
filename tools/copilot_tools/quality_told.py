"""How a burst of a defect, open reviews and a drifting camera are told: sentences and facts."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from copilot_tools.display import format_number, format_time, format_value
from copilot_tools.facts import Fact, Source, Value
from copilot_tools.quality_bursts import Burst
from copilot_tools.quality_causes import Circumstances, Mover, first_alarm
from copilot_tools.records import Inspection, InspectionModel

_INSPECTIONS = Source("quality", "inspections")
_SIGNIFICANT = 2


def tell_burst(burst: Burst, seen: Circumstances | None, zone: ZoneInfo) -> str:
    """One sentence: what rose when, in which lot, and what moved with it."""
    share = format_value(percent(burst.usual), "%")
    text = f"{burst.defect.capitalize()} rose at {format_time(burst.onset, zone)}"
    since = "lot {}, " if len(burst.batches) == 1 else "from lot {} on, "
    lot = since.format(burst.batch) if burst.batch else ""
    text += f" ({lot}{burst.found} of {burst.inspected} units, otherwise {share})"
    if seen is None:
        return f"{text}."
    if seen.movers:
        text += f" with {_said(seen.movers[0])}"
    elif seen.lot_began:
        text += ", as the lot began; no signal of the line moved with it"
    if alarm := first_alarm(seen.alarms, burst.onset):
        text += f"; alarm {alarm.alarm} on {alarm.asset} ({alarm.message})"
    return f"{text}."


def burst_facts(burst: Burst, seen: Circumstances | None) -> tuple[Fact, ...]:
    """What `tell_burst` says, and the signals that moved less clearly."""
    end = burst.end
    values: list[tuple[str, Value, str]] = [
        (f"burst of {burst.defect}", burst.onset, ""),
        (f"{burst.defect} in the burst", burst.found, "units"),
        ("inspected in the burst", burst.inspected, "units"),
        (f"{burst.defect} outside the burst", percent(burst.usual), "%"),
    ]
    if burst.batch:
        values.append(("lot of the burst", burst.batch, ""))
    if len(burst.batches) > 1:
        values.append(("lots with the defect", ", ".join(burst.batches), ""))
    facts = [Fact(burst.line, name, value, _INSPECTIONS, end, unit) for name, value, unit in values]
    if seen is None:
        return tuple(facts)
    for mover in seen.movers:
        source = Source("history", mover.signal.id)
        name = f"{mover.signal.name} change in the burst"
        change = _rounded(mover.change)
        facts.append(Fact(mover.signal.asset, name, change, source, end, mover.signal.unit))
    for alarm in seen.alarms:
        journal = Source("alarm journal", alarm.alarm)
        said = f"{alarm.alarm} {alarm.message}"
        facts.append(Fact(alarm.asset, "alarm near the burst", said, journal, alarm.time))
    return tuple(facts)


def review_facts(results: Sequence[Inspection], about: str) -> tuple[Fact, ...]:
    """Which model judged last; how many units wait for a person, and the yield after people."""
    newest = results[-1]
    facts = [Fact(about, "model", newest.model, _INSPECTIONS, newest.time)]
    waiting = sum(bool(r.review) and not r.decision for r in results)
    decided = [r for r in results if r.decision]
    if waiting or decided:
        facts.append(Fact(about, "waiting for review", waiting, _INSPECTIONS, newest.time, "units"))
    if decided:
        good = sum(r.good_after_review for r in results)
        share = percent(good / len(results))
        facts += [
            Fact(about, "decided by people", len(decided), _INSPECTIONS, newest.time, "units"),
            Fact(about, "yield after review", share, _INSPECTIONS, newest.time, "%"),
        ]
    return tuple(facts)


def drift_of(
    results: Sequence[Inspection], models: Sequence[InspectionModel]
) -> tuple[InspectionModel, float] | None:
    """The newest model whose good parts no longer look as in training, with the stability index."""
    from copilot_tools.vision.drift import NOTABLE, stability_index

    for model in models:
        own = [
            r.distance
            for r in results
            if r.model == model.model and r.passed and r.distance is not None
        ]
        index = stability_index(own, model.distances)
        if index is not None:
            return (model, index) if index > NOTABLE else None
    return None


def drift_notice(model: InspectionModel, index: float) -> str:
    """What to do about a camera that drifts."""
    return (
        f"Good parts no longer look to {model.model} as in training (stability index "
        f"{format_number(round(index, 2))}): check light, lens and place of the camera, or train "
        "the model anew."
    )


def percent(share: float) -> float:
    """A share as a percentage to two decimals."""
    return round(100 * share, 2)


def _said(mover: Mover) -> str:
    change = format_value(abs(_rounded(mover.change)), mover.signal.unit)
    sign = "+" if mover.change > 0 else "-"
    return f"{mover.signal.asset} {mover.signal.name} {sign}{change}"


def _rounded(change: float) -> float:
    """To two significant digits: a median of noisy values is no better known."""
    return float(f"{change:.{_SIGNIFICANT}g}")
