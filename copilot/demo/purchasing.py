"""What the demo plant has bought: a steady flow of orders, some of which arrive late."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from copilot.demo.schedule import EPOCH
from copilot_tools.records import OrderStatus, Part, PurchaseOrder

INTERVAL = timedelta(hours=38)
LATE_SHARE = 0.2
OVERDUE = 2


def regular_orders(
    parts: Sequence[Part], start: datetime, end: datetime, seed: int
) -> list[PurchaseOrder]:
    """The orders placed in [start, end), still unnumbered and not received."""
    first, last = (start - EPOCH) // INTERVAL, (end - EPOCH) // INTERVAL
    placed = (_regular_order(parts, index, seed) for index in range(first, last + 1))
    return [order for order in placed if start <= order.ordered < end]


def restocking_orders(parts: Sequence[Part], end: datetime, seed: int) -> list[PurchaseOrder]:
    """One order for each part that is short at `end`, none received yet, the first ones overdue."""
    short = [part for part in parts if part.available < part.minimum]
    return [
        _awaited(part, end, seed, overdue=position < OVERDUE) for position, part in enumerate(short)
    ]


def as_of(order: PurchaseOrder, moment: datetime, seed: int) -> PurchaseOrder:
    """The order as it stands at `moment`: received if its delivery, late or not, has come."""
    draw = Random(f"delivery {seed} {order.part} {order.ordered:%Y%m%d%H%M}")
    late = draw.random() < LATE_SHARE
    days = draw.uniform(4, 14) if late else draw.triangular(-1.5, 1, -0.5)
    arrival = order.due + timedelta(days=days)
    if arrival > moment:
        return order
    arrival = arrival.replace(minute=0, second=0, microsecond=0)
    return replace(order, status=OrderStatus.DONE, received=arrival)


def _awaited(part: Part, end: datetime, seed: int, overdue: bool) -> PurchaseOrder:
    draw = Random(f"restock {seed} {part.number}")
    quantity = max(part.minimum, part.minimum * 2 - part.available)
    while True:
        usual = part.lead_time_days
        days = usual + draw.uniform(1.5, 6) if overdue else usual * draw.uniform(0.2, 0.9)
        order = _order(part, quantity, end - timedelta(days=days))
        if as_of(order, end, seed).received is None:
            return order


def _regular_order(parts: Sequence[Part], index: int, seed: int) -> PurchaseOrder:
    draw = Random(f"purchase {seed} {index}")
    weights = [1.0 / (1.0 + part.lead_time_days) for part in parts]
    part = draw.choices(parts, weights)[0]
    ordered = EPOCH + index * INTERVAL + timedelta(minutes=draw.randint(0, 300))
    return _order(part, max(1.0, part.minimum) * draw.randint(1, 2), ordered)


def _order(part: Part, quantity: float, ordered: datetime) -> PurchaseOrder:
    ordered = ordered.replace(second=0, microsecond=0)
    due = (ordered + timedelta(days=part.lead_time_days)).replace(hour=15, minute=0)
    return PurchaseOrder(
        number="",
        part=part.number,
        part_name=part.name,
        supplier=part.supplier,
        quantity=quantity,
        unit=part.unit,
        status=OrderStatus.OPEN,
        ordered=ordered,
        due=due,
        received=None,
    )
