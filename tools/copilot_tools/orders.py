"""ERP orders: what the lines make and when it is due, what was bought and when it arrives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from copilot_tools.display import format_age, format_time, format_value
from copilot_tools.facts import Column, Fact, Findings, Source, Table, Value
from copilot_tools.plant import Plant
from copilot_tools.records import OrderStatus, ProductionOrder, PurchaseOrder
from copilot_tools.tool import Risk, Text, tool
from copilot_tools.wordsearch import Described, WordSearch

SHOWN = 20
DETAILED = 5

Order: TypeAlias = ProductionOrder | PurchaseOrder
T = TypeVar("T", ProductionOrder, PurchaseOrder)
Status: TypeAlias = Literal["open", "late", "done", "all"]


@tool(risk=Risk.READ, purpose="ERP orders")
async def list_orders(
    plant: Plant,
    kind: Literal["production", "purchase"],
    status: Literal["open", "late", "done", "all"] | None = None,
    item: Text | None = None,
    line: Text | None = None,
) -> Findings:
    """Orders of one kind: unfinished ones by due date, then the newest finished ones.

    Late means due and not finished. Without a status, the unfinished orders are meant, or all
    orders when an item (order number, product, batch or part) is named.
    """
    now, zone = plant.now(), plant.site.time_zone
    wanted: Status = status or ("all" if item else "open")
    query = Query(kind, wanted, item, now, zone)
    if kind == "purchase":
        purchases = await plant.erp.purchase_orders()
        notices = ("Purchase orders belong to no line.",) if line else ()
        return _report(query, _pick(purchases, query, _describe_purchase), "", notices)
    place = plant.resolver.line(line) if line else None
    produced = await plant.erp.production_orders()
    here = [order for order in produced if place is None or order.line == place.id]
    return _report(
        query, _pick(here, query, _describe_production), f" on {place.name}" if place else ""
    )


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked, and when."""

    kind: Literal["production", "purchase"]
    status: Status
    item: str | None
    now: datetime
    zone: ZoneInfo

    def title(self, where: str) -> str:
        """How the answer names what was looked for."""
        state = "" if self.status == "all" else f"{self.status} "
        matching = f" matching {self.item!r}" if self.item else ""
        return f"{state}{self.kind} orders{where}{matching}"
