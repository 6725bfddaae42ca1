"""Production, purchase and work orders, and what is on hold."""

from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from copilot.web.access import Reader, Served
from copilot.web.order_list import (
    Entry,
    Status,
    choose_orders,
    production_entry,
    purchase_entry,
    work_entry,
)
from copilot.web.paging import page_of
from copilot.web.rendering import render
from copilot.web.sections import look
from copilot_tools.errors import Retry
from copilot_tools.plant import Plant
from copilot_tools.records import WorkOrder

SHOWN = 50

Kind: TypeAlias = Literal["production", "purchase", "work", "holds"]

router = APIRouter(include_in_schema=False)

Name = Annotated[str, Query(max_length=80)]
Number = Annotated[int, Query(ge=1, le=10_000)]


@router.get("/orders")
async def show_orders(
    request: Request,
    visitor: Reader,
    services: Served,
    kind: Kind = "production",
    status: Status = "open",
    line: Name = "",
    asset: Name = "",
    q: Name = "",
    page: Number = 1,
) -> HTMLResponse:
    """Orders of one kind, complete, those of a line or a machine when asked."""
    plant = services.copilot.plant
    _check_names(plant, line, asset)
    holds = await look(plant.erp.batch_holds())
    known = await look(_entries(plant, kind, line, asset))
    entries = known.content or []
    asked = {"kind": kind, "status": status, "line": line, "asset": asset, "q": q}
    return render(
        request,
        "orders.html",
        visitor,
        holds=holds,
        held={hold.batch for hold in holds.content or ()},
        known=known,
        late=sum(entry.late for entry in entries),
        undone=sum(not entry.done for entry in entries),
        shown=page_of(choose_orders(entries, status, q), page, SHOWN),
        asked=asked,
        query=urlencode({key: value for key, value in asked.items() if value}),
    )


def _check_names(plant: Plant, line: str, asset: str) -> None:
    if line and line not in plant.site.lines:
        raise Retry(f"there is no line {line!r}")
    if asset and asset not in plant.site.assets:
        raise Retry(f"there is no asset {asset!r}")


async def _entries(plant: Plant, kind: Kind, line: str, asset: str) -> list[Entry]:
    """All orders of a kind; raises Unavailable."""
    now = plant.now()
    match kind:
        case "production":
            made = await plant.erp.production_orders()
            return [production_entry(o, now) for o in made if line in ("", o.line)]
        case "purchase":
            return [purchase_entry(o, now) for o in await plant.erp.purchase_orders()]
        case "work":
            return [work_entry(o, now) for o in await _work_orders(plant, asset)]
    return []


async def _work_orders(plant: Plant, asset: str) -> list[WorkOrder]:
    return await plant.erp.work_orders([asset] if asset else None, None, None)
