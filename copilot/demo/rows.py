"""Writes the demo plant's ERP, CMMS, alarm journal and quality records as SQL rows.

All of it follows from the chronicle, the production plan and the seed. Telling a stretch again
changes nothing. A stop or fault may be told several times as it goes on; its last telling counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from copilot.demo.bottles import add_bottles, add_pictures
from copilot.demo.chronicle import Chronicle, Stop
from copilot.demo.maintenance import LONGEST_PREVENTIVE, corrective, preventive
from copilot.demo.purchasing import as_of, regular_orders, restocking_orders
from copilot.demo.schedule import LINES, Run, runs
from copilot.demo.stores import load_parts
from copilot_tools.records import AlarmEvent, OrderStatus, PurchaseOrder, WorkOrder, WorkOrderStatus
from copilot_tools.sources import tables
from copilot_tools.sources.sql import from_utc, to_utc

PLANNED_AHEAD = timedelta(days=5)
FIRST_WORK_ORDER = 1001
FIRST_PURCHASE = 3001
PICTURED_REJECTS = 150
PICTURED_GOOD = 50


def write(engine: Engine, chronicle: Chronicle, seed: int, images: Path | None = None) -> None:
    """Create the tables and fill them with a whole past, up to the chronicle's end.

    Args:
        engine: A database that may be written to.
        chronicle: What happened.
        seed: The plant's seed.
        images: The folder for inspection pictures; none are made without it.
    """
    tables.metadata.create_all(engine)
    parts = load_parts()
    with engine.begin() as connection:
        if not connection.scalar(select(func.count()).select_from(tables.parts)):
            connection.execute(insert(tables.parts), [asdict(part) for part in parts])
            placed = regular_orders(parts, chronicle.start, chronicle.end, seed)
            placed += restocking_orders(parts, chronicle.end, seed)
            _add_purchases(connection, placed)
        _add(connection, chronicle, seed)
        if images:
            add_pictures(connection, chronicle, seed, images, PICTURED_REJECTS, PICTURED_GOOD)


def append(engine: Engine, chronicle: Chronicle, seed: int, images: Path | None = None) -> None:
    """Add a later stretch and bring orders up to its end; pictures are made of rejects only."""
    parts = load_parts()
    with engine.begin() as connection:
        _add_purchases(connection, regular_orders(parts, chronicle.start, chronicle.end, seed))
        _add(connection, chronicle, seed)
        if images:
            add_pictures(connection, chronicle, seed, images, PICTURED_REJECTS, 0)


def _add(connection: Connection, chronicle: Chronicle, seed: int) -> None:
    _receive_purchases(connection, chronicle.end, seed)
    add_bottles(connection, chronicle, seed)
    _add_production_orders(connection, chronicle, seed)
    _add_stops(connection, chronicle.stops)
    _add_alarms(connection, chronicle.alarms)
    _add_work_orders(connection, chronicle, seed)


def _add_purchases(connection: Connection, placed: Iterable[PurchaseOrder]) -> None:
    c = tables.purchase_orders.c
    stored = {
        (part, ordered): number
        for part, ordered, number in connection.execute(select(c.part, c.ordered, c.number))
    }
    numbers = _numbers("PO", stored.values(), FIRST_PURCHASE)
    new = sorted(
        (o for o in placed if (o.part, from_utc(o.ordered)) not in stored), key=lambda o: o.ordered
    )
    if new:
        rows = [_row(replace(order, number=next(numbers))) for order in new]
        connection.execute(insert(tables.purchase_orders), rows)


def _receive_purchases(connection: Connection, moment: datetime, seed: int) -> None:
    table = tables.purchase_orders
    query = select(table).where(table.c.status == OrderStatus.OPEN)
    for row in connection.execute(query).all():
        times = {"ordered": to_utc(row.ordered), "due": to_utc(row.due)}
        order = as_of(
            PurchaseOrder(**{**row._mapping, **times, "status": OrderStatus.OPEN}), moment, seed
        )
        if order.received:
            connection.execute(update(table).where(table.c.number == row.number), _row(order))


def _add_production_orders(connection: Connection, chronicle: Chronicle, seed: int) -> None:
    c = tables.production_orders.c
    unfinished = connection.scalar(select(func.min(c.start)).where(c.status != OrderStatus.DONE))
    since = min(chronicle.start, to_utc(unfinished)) if unfinished else chronicle.start
    stored = set(connection.scalars(select(c.number)))
    for line in LINES:
        for run in runs(line, since, chronicle.end + PLANNED_AHEAD, seed):
            values = _production_order(connection, run, chronicle.end)
            if run.order in stored:
                change = update(tables.production_orders).where(c.number == run.order)
                connection.execute(change, values)
            else:
                connection.execute(insert(tables.production_orders), values)


def _production_order(connection: Connection, run: Run, moment: datetime) -> dict[str, Any]:
    c = tables.production_counts.c
    made = select(func.sum(c.good)).where(
        c.line == run.line, c.start >= from_utc(run.start), c.start < from_utc(run.end)
    )
    done, running = run.end <= moment, run.start <= moment
    status = OrderStatus.DONE if done else OrderStatus.RUNNING if running else OrderStatus.PLANNED
    return {
        "number": run.order,
        "line": run.line,
        "product": run.product,
        "batch": run.batch,
        "quantity": run.quantity,
        "produced": connection.scalar(made) or 0,
        "status": status.value,
        "start": from_utc(run.start),
        "due": from_utc(run.due),
        "finished": from_utc(run.end) if done else None,
    }


def _add_stops(connection: Connection, stops: Iterable[Stop]) -> None:
    table = tables.downtimes
    stored = {
        (row.line, row.asset, row.start): row for row in connection.execute(select(table)).all()
    }
    told = {(stop.line, stop.asset, from_utc(stop.start)): stop for stop in stops}
    for key, stop in told.items():
        end = from_utc(stop.end) if stop.end else None
        if key not in stored:
            values = dict(zip(("line", "asset", "start"), key, strict=True))
            values |= {"end": end, "reason": stop.reason, "planned": stop.planned}
            connection.execute(insert(table), values)
        elif end and stored[key].end is None:
            closed = update(table).where(table.c.id == stored[key].id).values(end=end)
            connection.execute(closed)


def _add_alarms(connection: Connection, events: Iterable[AlarmEvent]) -> None:
    c = tables.alarm_events.c
    stored = {tuple(row) for row in connection.execute(select(c.alarm, c.transition, c.time))}
    told = {(event.alarm, event.transition.value, from_utc(event.time)): event for event in events}
    if new := [_row(event) for key, event in told.items() if key not in stored]:
        connection.execute(insert(tables.alarm_events), new)


def _add_work_orders(connection: Connection, chronicle: Chronicle, seed: int) -> None:
    c = tables.work_orders.c
    query = select(c.asset, c.title, c.created, c.number, c.status)
    stored = {(row.asset, row.title, row.created): row for row in connection.execute(query).all()}
    numbers = _numbers("WO", (row.number for row in stored.values()), FIRST_WORK_ORDER)
    told = {(o.asset, o.title, from_utc(o.created)): o for o in _work_orders(chronicle, seed)}
    for key, order in sorted(told.items(), key=lambda item: item[1].created):
        known = stored.get(key)
        if known is None:
            values = _row(replace(order, number=next(numbers)))
            connection.execute(insert(tables.work_orders), values)
        elif known.status != WorkOrderStatus.DONE:
            change = update(tables.work_orders).where(c.number == known.number)
            connection.execute(change, _row(replace(order, number=known.number)))


def _work_orders(chronicle: Chronicle, seed: int) -> Iterator[WorkOrder]:
    """Those of the stretch, and older preventive ones that may have been finished in it."""
    yield from corrective(chronicle.episodes, chronicle.end, seed)
    yield from preventive(chronicle.start - LONGEST_PREVENTIVE, chronicle.end, seed)


def _numbers(prefix: str, used: Iterable[str], first: int) -> Iterator[str]:
    """The numbers that follow those in use: "WO-1043", ...; others may name theirs otherwise."""
    counted = (text.removeprefix(f"{prefix}-") for text in used)
    number = max((int(text) + 1 for text in counted if text.isdecimal()), default=first)
    while True:
        yield f"{prefix}-{number}"
        number += 1


def _row(record: PurchaseOrder | WorkOrder | AlarmEvent) -> dict[str, Any]:
    """A record as column values: times as UTC without offset, everything else as it is."""
    return {
        name: from_utc(value) if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }
