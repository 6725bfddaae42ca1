"""What a list of alarms says beyond each alarm: which came first, and whether it is a flood."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from copilot_tools.alarm_records import AlarmRecord
from copilot_tools.records import AlarmEvent, AlarmTransition
from copilot_tools.site.model import Severity, Site

FLOOD = 10  # alarms raised for one person within FLOOD_WITHIN (ISA-18.2, EEMUA 191)
FLOOD_WITHIN = timedelta(minutes=10)
BURST_PAUSE = timedelta(minutes=10)

RANK = {
    str(severity): rank
    for rank, severity in enumerate(
        (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    )
}


def by_urgency(records: Iterable[AlarmRecord]) -> list[AlarmRecord]:
    """Active ones first, then by severity, the newest first."""

    def urgency(record: AlarmRecord) -> tuple[bool, int, float]:
        raised = record.raised.timestamp() if record.raised else 0.0
        return not record.active, RANK.get(record.severity, len(RANK)), -raised

    return sorted(records, key=urgency)


def first_out(site: Site, records: Iterable[AlarmRecord]) -> frozenset[str]:
    """The alarms that came first of a burst on a line, or in an area: often the cause.

    A burst ends with ten minutes without a new alarm; an alarm that came alone is not marked.
    """
    bursts: dict[str, list[list[AlarmRecord]]] = {}
    raised = [record for record in records if record.raised is not None]
    for record in sorted(raised, key=_when):
        own = bursts.setdefault(_place(site, record.asset), [])
        if own and _when(record) - _when(own[-1][-1]) < BURST_PAUSE:
            own[-1].append(record)
        else:
            own.append([record])
    return frozenset(b[0].id for own in bursts.values() for b in own if len(b) > 1)


def _when(record: AlarmRecord) -> datetime:
    assert record.raised is not None
    return record.raised


def _place(site: Site, asset: str) -> str:
    machine = site.assets.get(asset)
    return (machine.line or machine.area) if machine else ""


def newest_flood(events: Sequence[AlarmEvent], now: datetime) -> int:
    """How many alarms were raised in the last ten minutes, if they are a flood; else 0."""
    recent = sum(
        event.transition is AlarmTransition.RAISED and event.time > now - FLOOD_WITHIN
        for event in events
    )
    return recent if recent >= FLOOD else 0
