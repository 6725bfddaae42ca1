"""How well a line ran: OEE and its factors, what was lost to what, throughput."""

from datetime import datetime, timedelta

from copilot_tools.display import format_time, format_value
from copilot_tools.facts import Column, Fact, Findings, Source, Table, Value
from copilot_tools.oee_index import OeeIndex, oee_index
from copilot_tools.plant import Plant
from copilot_tools.records import Downtime
from copilot_tools.site.model import Line, Site
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.windows import Period, parse_window

SHOWN = 20
USUAL_WINDOW = "24h"
UNNOTICED_GAP = timedelta(minutes=5)


@tool(risk=Risk.READ, purpose="OEE, downtime, throughput")
async def get_oee(plant: Plant, line: Text, window: Window | None = None) -> Findings:
    """OEE of a line by ISO 22400 (see `oee_index`) with the losses by reason; usually of 24 h."""
    place = plant.resolver.line(line)
    period = parse_window(window or USUAL_WINDOW, plant.site, plant.now())
    counts = await plant.erp.counts(place.id, period.start, period.end)
    stops = await plant.erp.downtimes(place.id, period.start, period.end)
    index = oee_index(period.start, period.end, counts, stops, place.ideal_rate)
    if index is None:
        source = Source("ERP", f"production_counts.line={place.id}")
        asked = Fact(place.id, "period", period.label, source, plant.now())
        return Findings(f"{place.name}, {period.label}: there are no production records.", (asked,))
    standing = [stop for stop in stops if stop.end is None]
    return Findings(
        summary=_summary(place, period, index),
        facts=_facts(place, period, index, standing, plant.now()),
        tables=_tables(place, index, plant.now()),
        mentions=(f"{place.id} {_percent(index.oee)}",) if index.oee is not None else (place.id,),
        notices=_notices(plant.site, period, index, standing),
    )


def _facts(
    line: Line, period: Period, index: OeeIndex, standing: list[Downtime], now: datetime
) -> tuple[Fact, ...]:
    reference = f"production_counts.line={line.id}; downtimes.line={line.id}"
    hours = index.planned_minutes / 60
    values: tuple[tuple[str, Value, str], ...] = (
        ("period", period.label, ""),
        ("OEE", _percent(index.oee), "%"),
        ("availability", _percent(index.availability), "%"),
        ("performance", _percent(index.performance), "%"),
        ("quality", _percent(index.quality), "%"),
        ("planned production time", round(index.planned_minutes, 1), "min"),
        ("run time", round(index.run_minutes, 1), "min"),
        ("unplanned downtime", round(index.planned_minutes - index.run_minutes, 1), "min"),
        ("produced", round(index.produced), "units"),
        ("good", round(index.good), "units"),
        ("rejected", round(index.produced - index.good), "units"),
        ("throughput", round(index.produced / hours) if hours else None, "units/h"),
        ("ideal rate", line.ideal_rate, "units/min"),
        ("from", index.start, ""),
        ("until", index.end, ""),
    )
    source = Source("ERP", reference)
    facts = [
        Fact(line.id, name, value, source, now, unit)
        for name, value, unit in values
        if value is not None
    ]
    facts += [
        Fact(line.id, f"lost to {loss.reason}", round(loss.minutes, 1), source, now, "min")
        for loss in index.losses()[:3]
    ]
    facts += [
        Fact(stop.asset, "stopped since", stop.start, source, now, note=stop.reason)
        for stop in standing
    ]
    return tuple(facts)


def _tables(line: Line, index: OeeIndex, now: datetime) -> tuple[Table, ...]:
    losses = index.losses()
    if not losses:
        return ()
    table = Table(
        title=f"Losses of {line.name}",
        columns=(
            *(Column("loss"), Column("lowers"), Column("time", "min")),
            Column("share of planned time", "%"),
        ),
        rows=tuple(
            (
                *(loss.reason, loss.factor, round(loss.minutes, 1)),
                _percent(loss.minutes / index.planned_minutes),
            )
            for loss in losses[:SHOWN]
        ),
        total=len(losses),
        source=Source("ERP", f"downtimes.line={line.id}; production_counts.line={line.id}"),
        time=now,
    )
    return (table,)


def _summary(line: Line, period: Period, index: OeeIndex) -> str:
    if index.oee is None:
        return f"{line.name}, {period.label}: no production was planned."
    factors = ", ".join(
        f"{name} {format_value(_percent(factor), '%')}"
        for name, factor in (
            ("availability", index.availability),
            ("performance", index.performance),
            ("quality", index.quality),
        )
        if factor is not None
    )
    text = f"{line.name}, {period.label}: OEE {format_value(_percent(index.oee), '%')} ({factors})"
    text += f", {format_value(round(index.produced), 'units')} made"
    if losses := index.losses():
        minutes = format_value(round(losses[0].minutes, 1), "min")
        text += f"; largest loss {losses[0].reason}, {minutes}"
    return text + "."


def _notices(
    site: Site, period: Period, index: OeeIndex, standing: list[Downtime]
) -> tuple[str, ...]:
    notices = []
    if index.start - period.start > UNNOTICED_GAP:
        notices.append(f"Records begin at {format_time(index.start, site.time_zone)}.")
    if period.end - index.end > UNNOTICED_GAP:
        notices.append(f"Records end at {format_time(index.end, site.time_zone)}.")
    if index.too_fast:
        notices.append("More was made than the ideal rate allows; check the line's ideal rate.")
    notices += [
        f"{stop.asset} has stood still since {format_time(stop.start, site.time_zone)}: "
        f"{stop.reason}."
        for stop in standing
    ]
    return tuple(notices)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)
