"""The plant by area and line: what runs, what is wrong, at a glance."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from copilot.web.access import Reader, Served, Visitor
from copilot.web.live.points import state_of
from copilot.web.live.shown import Shown
from copilot.web.pages.plant_view import choose, count, groups
from copilot.web.rendering import render
from copilot.web.sections import look
from copilot.web.services import Services
from copilot_tools.plant import Plant
from copilot_tools.records import OrderStatus, ProductionOrder
from copilot_tools.site.model import Asset

MOST_TILES = 150
RATED_OVER = timedelta(hours=1)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Running:
    """What a line makes: its running order, and good units a minute over the last hour."""

    order: ProductionOrder | None
    rate: float | None


@router.get("/plant")
async def show_plant(
    request: Request, visitor: Reader, services: Served, area: str = ""
) -> HTMLResponse:
    """The whole plant, or one area of it."""
    return await _show(request, visitor, services, area, "overview.html")


@router.get("/plant/now")
async def show_plant_now(
    request: Request, visitor: Reader, services: Served, area: str = ""
) -> HTMLResponse:
    """The part of the same page that changes with every alarm."""
    return await _show(request, visitor, services, area, "overview_now.html")


async def _show(
    request: Request, visitor: Visitor, services: Services, area: str, template: str
) -> HTMLResponse:
    plant = services.copilot.plant
    if area and area not in plant.site.areas:
        raise HTTPException(404)
    assets = choose(plant.site, area)
    listed = bool(area) or len(assets) <= MOST_TILES
    states, alarms, lines = await asyncio.gather(
        look(_states(services, assets if listed else [])),
        look(plant.alarms.standing()),
        look(_lines(plant)),
    )
    chosen = {asset.id for asset in assets}
    standing = [a for a in alarms.content or () if a.definition.asset in chosen]
    return render(
        request,
        template,
        visitor,
        area=area,
        listed=listed,
        groups=groups(plant.site, assets, states.content or {}, standing, plant.watch),
        counts=count(standing),
        unacknowledged=sum(not alarm.acknowledged for alarm in standing),
        running=lines.content or {},
        states=states,
        alarms=alarms,
        lines=lines,
    )


async def _states(services: Services, assets: Sequence[Asset]) -> dict[str, Shown]:
    watched = {asset.id: one for asset in assets if (one := state_of(asset)) is not None}
    if not watched:
        return {}
    shown = await services.values.read(watched.values())
    return {key: shown[one.key] for key, one in watched.items()}


async def _lines(plant: Plant) -> dict[str, Running]:
    """What each line makes, by its id."""
    orders = await plant.erp.production_orders()
    running = {o.line: o for o in orders if o.status is OrderStatus.RUNNING}
    rates = await asyncio.gather(*(_rate(plant, line) for line in plant.site.lines))
    return {
        line: Running(running.get(line), rate)
        for line, rate in zip(plant.site.lines, rates, strict=True)
    }


async def _rate(plant: Plant, line: str) -> float | None:
    """Good units a minute over the counted part of the last hour; None where none was counted."""
    now = plant.now()
    counts = [c for c in await plant.erp.counts(line, now - RATED_OVER, now) if c.end <= now]
    length = sum((c.end - c.start).total_seconds() for c in counts)
    return sum(c.good for c in counts) * 60 / length if length else None
