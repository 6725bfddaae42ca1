"""One asset: live signals, trend, alarms, health, life left, work orders, parts, documents."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from copilot.web.access import Reader, Served, Visitor
from copilot.web.live.points import state_of
from copilot.web.pages.alarms import journal_events, standing_alarms
from copilot.web.pages.asset_view import (
    WINDOWS,
    documents_of,
    limits_of,
    live_rows,
    parts_of,
    run_tool,
    unread_rows,
)
from copilot.web.rendering import render
from copilot.web.sections import look
from copilot.web.services import Services
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset, Signal
from copilot_tools.windows import parse_window

LAST_EVENTS = 10

Window = Literal["1h", "8h", "24h", "7d", "30d"]
SignalName = Annotated[str, Query(max_length=400)]

router = APIRouter(include_in_schema=False)


@router.get("/plant/assets/{asset}")
async def show_asset(
    request: Request,
    visitor: Reader,
    services: Served,
    asset: str,
    signal: SignalName = "",
    window: Window = "8h",
) -> HTMLResponse:
    """Everything about a machine; what takes long is fetched after the page."""
    plant = services.copilot.plant
    machine = _find(plant, asset)
    chosen = _choose(machine, signal)
    week = parse_window("7d", plant.site, plant.now())
    rows, trend, standing, events, orders, parts = await asyncio.gather(
        look(live_rows(services, machine)),
        look(_trend(plant, machine, chosen, window)),
        look(standing_alarms(plant, [machine.id], week)),
        look(journal_events(plant, [machine.id], week)),
        look(run_tool(plant, "list_work_orders", asset=machine.id)),
        look(parts_of(plant, machine)),
    )
    return render(
        request,
        "asset.html",
        visitor,
        asset=machine,
        state=state_of(machine),
        rows=rows.content or unread_rows(machine),
        live=rows,
        chosen=chosen,
        window=window,
        windows=WINDOWS,
        trend=trend,
        limits=limits_of(machine.signals),
        standing=standing,
        events=events,
        most=LAST_EVENTS,
        orders=orders,
        parts=parts,
        documents=list(documents_of(plant, machine)),
    )


@router.get("/plant/assets/{asset}/health")
async def show_health(
    request: Request, visitor: Reader, services: Served, asset: str
) -> HTMLResponse:
    """Whether the machine is unlike itself."""
    return await _show_finding(request, visitor, services, asset, "detect_anomalies")


@router.get("/plant/assets/{asset}/life")
async def show_life(
    request: Request, visitor: Reader, services: Served, asset: str
) -> HTMLResponse:
    """How long its wearing components will last."""
    return await _show_finding(request, visitor, services, asset, "predict_rul")


async def _show_finding(
    request: Request, visitor: Visitor, services: Services, asset: str, tool: str
) -> HTMLResponse:
    """A page of its own, or only its part where another page asks for it."""
    plant = services.copilot.plant
    machine = _find(plant, asset)
    found = await look(run_tool(plant, tool, asset=machine.id))
    return render(
        request,
        "asset_finding.html",
        visitor,
        asset=machine,
        tool=tool,
        found=found,
        limits=limits_of(machine.signals),
        partial="X-Fragment" in request.headers,
    )


def _find(plant: Plant, key: str) -> Asset:
    machine = plant.site.assets.get(key)
    if machine is None:
        raise HTTPException(404)
    return machine


def _choose(machine: Asset, name: str) -> Signal | None:
    """The signal that is asked for, else the first one."""
    if not name:
        return next(iter(machine.signals), None)
    chosen = next((signal for signal in machine.signals if signal.name == name), None)
    if chosen is None:
        raise HTTPException(404)
    return chosen


async def _trend(
    plant: Plant, machine: Asset, signal: Signal | None, window: str
) -> Findings | None:
    if signal is None:
        return None
    return await run_tool(plant, "read_trend", asset=machine.id, signal=signal.name, window=window)
