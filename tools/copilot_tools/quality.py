"""Vision quality control: yield, rejects, which defects, since when, with what, pictures."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from copilot_tools.display import format_value
from copilot_tools.errors import Retry, Unavailable
from copilot_tools.facts import Column, Fact, Findings, Picture, Series, Source, Table
from copilot_tools.known_names import ask_back, choose, fitting
from copilot_tools.plant import Plant
from copilot_tools.quality_bursts import Burst, find_burst
from copilot_tools.quality_causes import Circumstances, find_circumstances
from copilot_tools.quality_told import (
    burst_facts,
    drift_notice,
    drift_of,
    review_facts,
    tell_burst,
)
from copilot_tools.records import Inspection, InspectionModel, ProductionOrder
from copilot_tools.site.model import Line
from copilot_tools.site.names import split_words
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.windows import LONGEST, Period, parse_window

USUAL_WINDOW = "24h"
KNOWN_DEFECTS_FROM = timedelta(days=30)
HOURLY_UP_TO = timedelta(hours=50)
NAMED = 3
PICTURES = 4

_ANY_DEFECT = frozenset(("defect", "reject", "failure", "fault", "scrap", "bad", "bottle", "unit"))


@tool(risk=Risk.READ, purpose="vision quality results: defects, rejects, yield")
async def get_inspections(
    plant: Plant,
    line: Text | None = None,
    product: Text | None = None,
    batch: Text | None = None,
    defect: Text | None = None,
    window: Window | None = None,
) -> Findings:
    """What the cameras found: yield, defects by frequency, their course and the newest pictures.

    Where a defect came in a burst, what moved on the line with it. Usually of 24 h; of the whole
    batch when one is named. Unknown names are asked back.
    """
    now = plant.now()
    orders = await plant.erp.production_orders()
    place, product = _place_or_product(plant, line, product, orders)
    if product:
        product = choose("product", product, (order.product for order in orders))
    if batch:
        batch = choose("batch", batch, (order.batch for order in reversed(orders)))
    if batch and not window:
        period = Period(now - LONGEST, now, "all of it")
    else:
        period = parse_window(window or USUAL_WINDOW, plant.site, now)
    results = await plant.inspections.results(
        period.start, period.end, place.id if place else None, product, batch
    )
    defects = await _defects(plant, defect, results) if defect else None
    names = (place.name if place else None, product, f"batch {batch}" if batch else None)
    label = ", ".join(name for name in (*names, period.label) if name)
    label = label[0].upper() + label[1:]
    if not results:
        about = place.id if place else "all lines"
        asked = Fact(about, "scope", label, Source("quality", "inspections"), now)
        return Findings(f"{label}: nothing was inspected.", (asked,))
    rejects = [r for r in results if not r.passed and (defects is None or r.defect in defects)]
    scope = Scope(label, place.id if place else "", defects, results, rejects)
    return await _report(plant, scope)


def _place_or_product(
    plant: Plant, line: str | None, product: str | None, orders: list[ProductionOrder]
) -> tuple[Line | None, str | None]:
    """The line meant; words that name no line but a product ("lemon soda") mean that product."""
    if line is None:
        return None, product
    try:
        return plant.resolver.line(line), product
    except Retry:
        if product or not fitting(line, {order.product for order in orders}):
            raise
        return None, line


async def _defects(plant: Plant, text: str, results: list[Inspection]) -> frozenset[str] | None:
    """The defects that `text` covers; None when it means any; raises Retry for an unknown one."""
    words = " ".join(word for word in split_words(text) if word not in _ANY_DEFECT)
    if not words:
        return None
    if fits := fitting(words, {result.defect for result in results if result.defect}):
        return frozenset(fits)
    now = plant.now()
    recent = await plant.inspections.results(now - KNOWN_DEFECTS_FROM, now)
    known = sorted({result.defect for result in recent if result.defect})
    if fits := fitting(words, known):
        return frozenset(fits)
    raise ask_back("defect", text, known)


@dataclass(frozen=True, slots=True)
class Scope:
    """What was looked at, oldest first; `defects` are those asked for, None means all.

    `rejects` are the units with a defect in question.
    """

    label: str
    subject: str
    defects: frozenset[str] | None
    results: list[Inspection]
    rejects: list[Inspection]

    @property
    def source(self) -> Source:
        """The records behind every statement."""
        where = f"inspections.line={self.subject}" if self.subject else "inspections"
        return Source("quality", where)

    @property
    def about(self) -> str:
        """The subject of the facts."""
        return self.subject or "all lines"


async def _report(plant: Plant, scope: Scope) -> Findings:
    zone = plant.site.time_zone
    pareto = Counter(result.defect for result in scope.rejects).most_common()
    burst = await asyncio.to_thread(find_burst, scope.results, scope.defects)
    seen, notices = await _circumstances(plant, burst)
    drift = await _drift(plant, scope)
    told = f" {tell_burst(burst, seen, zone)}" if burst else ""
    facts = _facts(scope, pareto) + review_facts(scope.results, scope.about)
    if drift:
        model, index = drift
        value, newest = round(index, 2), scope.results[-1].time
        facts += (Fact(scope.about, "stability index", value, scope.source, newest),)
        notices += (drift_notice(model, index),)
    return Findings(
        summary=_summary(scope, pareto) + told,
        facts=facts + (burst_facts(burst, seen) if burst else ()),
        series=(_course(scope, zone),),
        tables=(_table(scope, pareto),) if pareto else (),
        pictures=_pictures(scope),
        mentions=tuple(defect for defect, _ in pareto) + _moved(seen),
        notices=notices,
    )


async def _circumstances(
    plant: Plant, burst: Burst | None
) -> tuple[Circumstances | None, tuple[str, ...]]:
    """What went with a burst; a source that is silent costs that part of the answer only."""
    if burst is None:
        return None, ()
    try:
        return await find_circumstances(plant, burst), ()
    except Unavailable as error:
        return None, (f"{error}. What moved with the {burst.defect} is not known.",)


async def _drift(plant: Plant, scope: Scope) -> tuple[InspectionModel, float] | None:
    if all(result.distance is None for result in scope.results):
        return None
    return drift_of(scope.results, await plant.inspections.models())


def _moved(seen: Circumstances | None) -> tuple[str, ...]:
    movers = seen.movers if seen else ()
    return tuple(dict.fromkeys(mover.signal.asset for mover in movers))


def _summary(scope: Scope, pareto: list[tuple[str, int]]) -> str:
    inspected = len(scope.results)
    named = ", ".join(f"{defect} {count}" for defect, count in pareto[:NAMED])
    if scope.defects is not None:
        what = named or f"{', '.join(sorted(scope.defects))} 0"
        share = format_value(_percent(len(scope.rejects), inspected), "%")
        return f"{scope.label}: {what} of {inspected} inspected units ({share})."
    good = format_value(_percent(inspected - len(scope.rejects), inspected), "%")
    noun = "reject" if len(scope.rejects) == 1 else "rejects"
    text = f"{scope.label}: first-pass yield {good}, {len(scope.rejects)} {noun} "
    text += f"of {inspected} inspected units"
    return text + (f"; most frequent: {named}." if named else ".")


def _facts(scope: Scope, pareto: list[tuple[str, int]]) -> tuple[Fact, ...]:
    inspected = len(scope.results)
    passed = sum(result.passed for result in scope.results)
    values: list[tuple[str, float | str | datetime, str]] = [
        ("scope", scope.label, ""),
        ("inspected", inspected, "units"),
        ("passed", passed, "units"),
        ("rejected", inspected - passed, "units"),
        ("first-pass yield", _percent(passed, inspected), "%"),
    ]
    values += [(defect, count, "units") for defect, count in pareto]
    if scope.defects is not None:
        values += [(defect, 0, "units") for defect in sorted(scope.defects - dict(pareto).keys())]
        share = _percent(len(scope.rejects), inspected)
        values.append((f"share of {', '.join(sorted(scope.defects))}", share, "%"))
    if scope.rejects:
        values.append(("newest reject", scope.rejects[-1].time, ""))
    newest = scope.results[-1].time
    return tuple(
        Fact(scope.about, name, value, scope.source, newest, unit) for name, value, unit in values
    )


def _table(scope: Scope, pareto: list[tuple[str, int]]) -> Table:
    inspected = len(scope.results)
    return Table(
        title=f"Defects, {scope.label}",
        columns=(Column("defect"), Column("count", "units"), Column("share of inspected", "%")),
        rows=tuple((defect, count, _percent(count, inspected)) for defect, count in pareto),
        total=len(pareto),
        source=scope.source,
        time=scope.results[-1].time,
    )


def _course(scope: Scope, zone: ZoneInfo) -> Series:
    """The share of rejects by hour, or by day of the plant over longer spans."""
    hourly = scope.results[-1].time - scope.results[0].time <= HOURLY_UP_TO
    inspected = _per_bucket(scope.results, zone, hourly)
    rejected = _per_bucket(scope.rejects, zone, hourly)
    what = "reject" if scope.defects is None else " or ".join(sorted(scope.defects))
    return Series(
        subject=scope.about,
        name=f"{what} rate by {'hour' if hourly else 'day'}",
        unit="%",
        times=tuple(inspected),
        values=tuple(_percent(rejected[bucket], count) for bucket, count in inspected.items()),
        source=scope.source,
    )


def _per_bucket(results: list[Inspection], zone: ZoneInfo, hourly: bool) -> Counter[datetime]:
    """How many units by the hour, or the day of the plant, they were inspected in."""
    hours = Counter(r.time.replace(minute=0, second=0, microsecond=0) for r in results)
    if hourly:
        return hours
    days: Counter[datetime] = Counter()
    for hour, number in hours.items():
        days[hour.astimezone(zone).replace(hour=0, minute=0).astimezone(UTC)] += number
    return days


def _pictures(scope: Scope) -> tuple[Picture, ...]:
    """The newest rejects whose image is on disk."""
    kept = (r for r in reversed(scope.rejects) if r.image and Path(r.image).is_file())
    return tuple(
        Picture(
            title=f"{result.defect}, {result.line}",
            path=Path(result.image),
            boxes=result.boxes,
            source=Source("quality", f"inspections.id={result.id}"),
            time=result.time,
        )
        for result in islice(kept, PICTURES)
    )


def _percent(count: int, total: int) -> float:
    return round(100 * count / total, 2)
