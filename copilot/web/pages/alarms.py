"""Alarms: those that stand, by urgency, and what the journal tells of the last day or week."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from copilot.web.access import Reader, Served, Visitor
from copilot.web.pages.alarm_list import by_urgency, first_out, newest_flood
from copilot.web.pages.plant_view import choose
from copilot.web.rendering import render
from copilot.web.sections import Section, look
from copilot.web.services import Services
from copilot_tools.alarm_records import AlarmRecord, gather_alarms
from copilot_tools.plant import Plant
from copilot_tools.records import AlarmEvent
from copilot_tools.windows import Period, parse_window

MOST_EVENTS = 300

Severities = Literal["", "critical", "high", "medium", "low"]
Windows = Literal["24h", "7d"]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """Alarms that stand, in the order of urgency; `first` came first of their burst."""

    records: list[AlarmRecord]
    first: frozenset[str]
    notices: list[str]


@router.get("/alarms")
async def show_alarms(
    request: Request,
    visitor: Reader,
    services: Served,
    area: str = "",
    severity: Severities = "",
    window: Windows = "24h",
) -> HTMLResponse:
    """The list of alarms of the site or of an area."""
    return await _show(request, visitor, services, "alarms.html", area, severity, window)


@router.get("/alarms/rows")
async def show_alarm_rows(
    request: Request,
    visitor: Reader,
    services: Served,
    area: str = "",
    severity: Severities = "",
    window: Windows = "24h",
) -> HTMLResponse:
    """The part of the same page that changes with every alarm."""
    return await _show(request, visitor, services, "alarm_rows.html", area, severity, window)


async def _show(
    request: Request,
    visitor: Visitor,
    services: Services,
    template: str,
    area: str,
    severity: str,
    window: str,
) -> HTMLResponse:
    plant = services.copilot.plant
    if area and area not in plant.site.areas:
        raise HTTPException(404)
    machines = [asset.id for asset in choose(plant.site, area)]
    period = parse_window(window, plant.site, plant.now())
    standing, journal = await asyncio.gather(
        look(standing_alarms(plant, machines, period, severity)),
        look(journal_events(plant, machines, period, severity)),
    )
    return render(
        request,
        template,
        visitor,
        area=area,
        severity=severity,
        window=window,
        period=period,
        standing=standing,
        journal=journal,
        flood=_flood(journal, plant),
        most=MOST_EVENTS,
    )


async def standing_alarms(
    plant: Plant, machines: Sequence[str], period: Period, severity: str = ""
) -> Standing:
    """The alarms of some machines that stand."""
    records, notices = await gather_alarms(plant, machines, period)
    standing = [record for record in records if record.standing]
    first = first_out(plant.site, standing)
    chosen = [record for record in standing if severity in ("", record.severity)]
    return Standing(by_urgency(chosen), first, notices)


async def journal_events(
    plant: Plant, machines: Sequence[str], period: Period, severity: str = ""
) -> list[AlarmEvent]:
    """What happened to the alarms of some machines, the newest first."""
    events = await plant.journal.events(period.start, period.end, machines)
    return [event for event in reversed(events) if severity in ("", event.severity)]


def _flood(journal: Section[list[AlarmEvent]], plant: Plant) -> int:
    return newest_flood(journal.content or [], plant.now())
