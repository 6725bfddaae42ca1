"""Changes of ERP and CMMS records a user asks for: jobs, reservations, purchases, quality holds.

Each is checked against the records there are and returned as a Change. Nothing here writes.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Literal

from copilot_tools.changes import Change, Target
from copilot_tools.display import format_value
from copilot_tools.errors import Candidate, Retry
from copilot_tools.facts import Fact, Findings, Source, Value
from copilot_tools.known_names import choose
from copilot_tools.plant import Plant
from copilot_tools.records import Part
from copilot_tools.site.names import describe, surest
from copilot_tools.tool import Count, Risk, Text, tool

REQUEST = Source("request", "the user's words")
LONGEST_TITLE = 200  # As wide as the column that keeps it.


@tool(risk=Risk.PROPOSE, purpose="propose a maintenance job")
async def create_work_order(
    plant: Plant,
    asset: Text,
    title: Text,
    priority: Literal["low", "medium", "high", "urgent"] | None = None,
    description: Text | None = None,
) -> Findings:
    """A new work order for a machine."""
    machine = plant.resolver.asset(asset)
    if len(title) > LONGEST_TITLE:
        raise Retry(f"A title has at most {LONGEST_TITLE} characters; put more in the description.")
    arguments = {
        "asset": machine.id,
        "title": title,
        "priority": priority or "medium",
        "description": description or "",
    }
    wishes = {k: v for k, v in arguments.items() if k != "asset" and v}
    says = f"work order for {machine.id} {machine.name}, {arguments['priority']} priority: {title}"
    key = f"{machine.id}:{sha256(title.encode()).hexdigest()[:8]}"
    return Findings(
        says,
        tuple(_wish(plant, machine.id, name, value) for name, value in wishes.items()),
        mentions=(f"{machine.id} {machine.name}",),
        change=Change(
            tool="create_work_order",
            target=Target("asset", key, machine.id),
            arguments=arguments,
            says=says,
            new=title,
        ),
    )


@tool(risk=Risk.PROPOSE, purpose="reserve stock")
async def reserve_part(plant: Plant, part: Text, quantity: Count) -> Findings:
    """A reservation of a part; more than is available cannot be reserved."""
    found = await _part(plant, part)
    if quantity > found.available:
        available = format_value(found.available, found.unit)
        raise Retry(f"Only {available} {found.number} {found.name} available.")
    says = f"reserve {format_value(quantity, found.unit)} {_described(found)}"
    facts = (
        _wish(plant, found.number, "quantity", quantity, found.unit),
        _stored(plant, found, "available", found.available, found.unit),
    )
    return Findings(
        says,
        facts,
        mentions=(f"{found.number} {found.name}",),
        change=Change(
            tool="reserve_part",
            target=Target("part", found.number),
            arguments={"part": found.number, "quantity": quantity},
            says=says,
            old=found.available,
            new=found.available - quantity,
            unit=found.unit,
        ),
    )


@tool(risk=Risk.PROPOSE, purpose="buy more")
async def request_purchase(plant: Plant, part: Text, quantity: Count) -> Findings:
    """A purchase request for a part, at its price in the catalogue."""
    found = await _part(plant, part)
    total = round(found.price * quantity, 2)
    says = (
        f"buy {format_value(quantity, found.unit)} {_described(found)} from {found.supplier} "
        f"for {format_value(total, found.currency)}"
    )
    facts = (
        _wish(plant, found.number, "quantity", quantity, found.unit),
        _stored(plant, found, "price", found.price, found.currency),
        _stored(plant, found, "total price", total, found.currency),
        _stored(plant, found, "supplier", found.supplier),
    )
    return Findings(
        says,
        facts,
        mentions=(f"{found.number} {found.name}",),
        change=Change(
            tool="request_purchase",
            target=Target("part", found.number),
            arguments={
                "part": found.number,
                "quantity": quantity,
                "unit_price": found.price,
                "currency": found.currency,
                "supplier": found.supplier,
            },
            says=says,
            new=quantity,
            unit=found.unit,
        ),
    )


@tool(risk=Risk.PROPOSE, purpose="quality hold")
async def hold_batch(plant: Plant, batch: Text, reason: Text | None = None) -> Findings:
    """A quality hold on a batch that production knows and that is not held yet."""
    orders = await plant.erp.production_orders()
    key = choose("batch", batch, (order.batch for order in orders))
    if any(hold.batch == key for hold in await plant.erp.batch_holds()):
        raise Retry(f"Batch {key} is on hold already.")
    says = f"quality hold on batch {key}"
    return Findings(
        says,
        (_wish(plant, key, "hold", reason or "no reason given"),),
        mentions=(key,),
        change=Change(
            tool="hold_batch",
            target=Target("batch", key),
            arguments={"batch": key},
            says=says,
            old="released",
            new="on hold",
            reason=reason or "",
        ),
    )


def _wish(plant: Plant, subject: str, name: str, value: Value, unit: str = "") -> Fact:
    return Fact(subject, name, value, REQUEST, plant.now(), unit)


def _stored(plant: Plant, part: Part, name: str, value: Value, unit: str = "") -> Fact:
    source = Source("ERP", f"parts.number={part.number}")
    return Fact(part.number, name, value, source, plant.now(), unit)


def _described(part: Part) -> str:
    fits = f" (fits {', '.join(part.fits)})" if part.fits else ""
    return f"{part.number} {part.name}{fits}"


async def _part(plant: Plant, text: str) -> Part:
    parts: Mapping[str, Part] = {part.number: part for part in await plant.erp.parts()}
    matches = describe({key: (key, part.name) for key, part in parts.items()}).find(text)
    clear = surest(matches)
    if len(clear) == 1:
        return parts[clear[0].key]
    offered = tuple(
        Candidate(match.key, parts[match.key].name, match.confidence)
        for match in (clear or matches)[:6]
    )
    names = ", ".join(f"{c.key} {c.name}" for c in offered)
    if clear:
        raise Retry(f"Which part do you mean by {text!r}: {names}?", offered)
    raise Retry(f"I know no part {text!r}.{f' Nearest: {names}.' if names else ''}", offered)
