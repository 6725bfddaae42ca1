"""Alarms: those that stand now, and what the journal tells of a window."""

from collections import Counter
from datetime import datetime

from copilot_tools.alarm_records import AlarmRecord, gather_alarms
from copilot_tools.chosen import choose_assets, describe_place
from copilot_tools.display import format_time
from copilot_tools.facts import Column, Fact, Findings, Source, Table
from copilot_tools.plant import Plant
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.windows import Period, parse_window

SHOWN = 50
NAMED = 4
DEFAULT_WINDOW = "24h"


@tool(risk=Risk.READ, purpose="alarms and events")
async def list_alarms(
    plant: Plant,
    asset: Text | None = None,
    area: Text | None = None,
    active_only: bool | None = None,
    window: Window | None = None,
) -> Findings:
    """Standing alarms, and unless only those are asked, what the journal tells of the window.

    Alarms come in the order in which they were raised: the first one out is often the cause.
    When one of the two sources is down the other answers alone, and the answer says so.
    """
    machines = choose_assets(plant, asset, area)
    period = parse_window(window or DEFAULT_WINDOW, plant.site, plant.now())
    records, notices = await gather_alarms(plant, [machine.id for machine in machines], period)
    standing = [record for record in records if record.standing]
    raised = [] if active_only else [record for record in records if record.count]
    place = describe_place(machines, asset, area)
    subject = machines[0].id if len(machines) == 1 else "alarms"
    parts = [_describe_standing(standing, place, plant)]
    if not active_only:
        parts.append(_describe_raised(raised, place, period))
        if window is not None:
            parts.reverse()
    shown = [record for record in records if record.standing or record in raised]
    return Findings(
        summary=" ".join(parts),
        facts=tuple(_facts(subject, standing, raised, period, plant.now())),
        tables=(_table(shown, f"Alarms{place}", plant.now()),) if shown else (),
        mentions=tuple(record.mention for record in shown[:SHOWN]),
        notices=tuple(notices),
    )


def _describe_standing(standing: list[AlarmRecord], place: str, plant: Plant) -> str:
    if not standing:
        return f"No alarm stands{place}."
    open_ = sum(record.acknowledged is False for record in standing)
    many = "1 alarm stands" if len(standing) == 1 else f"{len(standing)} alarms stand"
    named = [_since(record, plant) for record in standing[:NAMED]]
    rest = f", and {len(standing) - NAMED} more" if len(standing) > NAMED else ""
    order = "" if len(standing) == 1 else "first "
    return f"{many}{place}, {open_} not acknowledged: {order}{', then '.join(named)}{rest}."


def _since(record: AlarmRecord, plant: Plant) -> str:
    cleared = "" if record.active else " (cleared, not acknowledged)"
    if record.raised is None:
        return f"{record.name}{cleared}"
    return f"{record.name} at {format_time(record.raised, plant.site.time_zone)}{cleared}"


def _describe_raised(raised: list[AlarmRecord], place: str, period: Period) -> str:
    total = sum(record.count for record in raised)
    if not total:
        return f"No alarm was raised{place}, {period.label}."
    by_alarm = max(raised, key=lambda record: record.count)
    often = f", most often {by_alarm.name} ({by_alarm.count})" if len(raised) > 1 else ""
    only = f": {raised[0].name}" if len(raised) == 1 else ""
    many = "1 alarm was raised" if total == 1 else f"{total} alarms were raised"
    return f"{many}{place}, {period.label}{only}{often}."


def _facts(
    subject: str,
    standing: list[AlarmRecord],
    raised: list[AlarmRecord],
    period: Period,
    now: datetime,
) -> list[Fact]:
    live, journal = Source("OPC UA", "alarms"), Source("alarm journal", "alarm_events")
    open_ = sum(record.acknowledged is False for record in standing)
    facts = [
        Fact(subject, "standing", len(standing), live, now),
        Fact(subject, "not acknowledged", open_, live, now),
        Fact(subject, "further standing", max(len(standing) - NAMED, 0), live, now),
        Fact(subject, "period", period.label, journal, now),
        Fact(subject, "raised", sum(record.count for record in raised), journal, now),
    ]
    by_asset: Counter[str] = Counter()
    for record in raised:
        by_asset[record.asset] += record.count
        facts.append(Fact(record.id, "times raised", record.count, journal, now))
    facts += [
        Fact(asset, "alarms raised", count, journal, now) for asset, count in by_asset.most_common()
    ]
    facts += [
        Fact(record.id, "raised", record.raised, live, record.raised, note=record.name)
        for record in standing
        if record.raised is not None
    ]
    return facts


def _table(records: list[AlarmRecord], title: str, now: datetime) -> Table:
    headings = ("alarm", "message", "asset", "severity", "state", "acknowledged", "raised")
    return Table(
        title=title,
        columns=(*(Column(heading) for heading in headings), Column("times raised")),
        rows=tuple(
            (
                *(record.id, record.message, record.asset, record.severity),
                "active" if record.active else "cleared",
                record.acknowledged,
                record.raised,
                record.count,
            )
            for record in records[:SHOWN]
        ),
        total=len(records),
        source=Source("OPC UA and alarm journal", "alarms"),
        time=now,
    )
