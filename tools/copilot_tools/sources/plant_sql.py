"""The plant database as ERP, CMMS, alarm journal and vision quality (see `sources.tables`)."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, and_, or_, select

from copilot_tools.records import (
    AlarmEvent,
    AlarmTransition,
    BatchHold,
    Downtime,
    Inspection,
    InspectionModel,
    OrderStatus,
    Part,
    ProductionCount,
    ProductionOrder,
    PurchaseOrder,
    WorkOrder,
    WorkOrderStatus,
)
from copilot_tools.sources import tables
from copilot_tools.sources.sql import Reader, connect, from_utc, texts, to_utc, to_utc_or_none

__all__ = ["SqlAlarmJournal", "SqlErp", "SqlInspections", "connect"]


class SqlErp:
    """The Erp protocol over SQL tables."""

    def __init__(self, engine: Engine) -> None:
        self._reader = Reader(engine, "ERP")

    async def parts(self) -> list[Part]:
        """The spare-part catalogue with stock, by number."""
        table = tables.parts
        return await self._reader.read(select(table).order_by(table.c.number), _part)

    async def work_orders(
        self, assets: Sequence[str] | None, start: datetime | None, end: datetime | None
    ) -> list[WorkOrder]:
        """Work orders of `assets` that were created or finished in [start, end), newest first."""
        c = tables.work_orders.c
        query = select(tables.work_orders).order_by(c.created.desc(), c.number.desc())
        if assets is not None:
            query = query.where(c.asset.in_(assets))
        touched = (c.created, c.finished)
        if start is not None and end is not None:
            low, high = from_utc(start), from_utc(end)
            query = query.where(or_(*(and_(t >= low, t < high) for t in touched)))
        elif start is not None:
            query = query.where(or_(*(t >= from_utc(start) for t in touched)))
        elif end is not None:
            query = query.where(or_(*(t < from_utc(end) for t in touched)))
        return await self._reader.read(query, _work_order)

    async def production_orders(self) -> list[ProductionOrder]:
        """All production orders by start."""
        table = tables.production_orders
        query = select(table).order_by(table.c.start, table.c.number)
        return await self._reader.read(query, _production_order)

    async def purchase_orders(self) -> list[PurchaseOrder]:
        """All purchase orders by due date."""
        table = tables.purchase_orders
        query = select(table).order_by(table.c.due, table.c.number)
        return await self._reader.read(query, _purchase_order)

    async def batch_holds(self) -> list[BatchHold]:
        """All quality holds in force, by batch."""
        table = tables.batch_holds
        return await self._reader.read(select(table).order_by(table.c.batch), _batch_hold)

    async def downtimes(self, line: str, start: datetime, end: datetime) -> list[Downtime]:
        """Stops of a line that overlap [start, end), oldest first."""
        c = tables.downtimes.c
        query = (
            select(tables.downtimes)
            .where(c.line == line, c.start < from_utc(end))
            .where(or_(c.end.is_(None), c.end > from_utc(start)))
            .order_by(c.start, c.id)
        )
        return await self._reader.read(query, _downtime)

    async def counts(self, line: str, start: datetime, end: datetime) -> list[ProductionCount]:
        """Production counts of a line whose interval overlaps [start, end), oldest first."""
        c = tables.production_counts.c
        query = (
            select(tables.production_counts)
            .where(c.line == line, c.start < from_utc(end), c.end > from_utc(start))
            .order_by(c.start)
        )
        return await self._reader.read(query, _count)


class SqlAlarmJournal:
    """The AlarmJournal protocol over an SQL table."""

    def __init__(self, engine: Engine) -> None:
        self._reader = Reader(engine, "alarm journal")

    async def events(
        self, start: datetime, end: datetime, assets: Sequence[str] | None = None
    ) -> list[AlarmEvent]:
        """Events in [start, end), oldest first; only of `assets` when given."""
        c = tables.alarm_events.c
        query = (
            select(tables.alarm_events)
            .where(c.time >= from_utc(start), c.time < from_utc(end))
            .order_by(c.time, c.id)
        )
        if assets is not None:
            query = query.where(c.asset.in_(assets))
        return await self._reader.read(query, _event)


class SqlInspections:
    """The Inspections protocol over an SQL table.

    Args:
        engine: The plant database.
        images: The folder that relative image paths of the table start from.
    """

    def __init__(self, engine: Engine, images: Path = Path()) -> None:
        self._reader = Reader(engine, "quality")
        self._images = images

    async def results(
        self,
        start: datetime,
        end: datetime,
        line: str | None = None,
        product: str | None = None,
        batch: str | None = None,
    ) -> list[Inspection]:
        """Inspected units in [start, end) that match, oldest first."""
        c = tables.inspections.c
        query = (
            select(tables.inspections)
            .where(c.time >= from_utc(start), c.time < from_utc(end))
            .order_by(c.time, c.id)
        )
        for column, wanted in ((c.line, line), (c.product, product), (c.batch, batch)):
            if wanted is not None:
                query = query.where(column == wanted)
        return await self._reader.read(query, self._inspection)

    async def find(self, id_: int) -> Inspection | None:
        """The inspection with that id."""
        query = select(tables.inspections).where(tables.inspections.c.id == id_)
        found = await self._reader.read(query, self._inspection)
        return found[0] if found else None

    async def models(self) -> list[InspectionModel]:
        """The models that inspections were made with, newest first."""
        table = tables.inspection_models
        return await self._reader.read(select(table).order_by(table.c.since.desc()), _model)

    def _inspection(self, row: Row[Any]) -> Inspection:
        return Inspection(
            id=row.id,
            line=row.line,
            product=row.product,
            batch=row.batch,
            time=to_utc(row.time),
            passed=row.passed,
            defect=row.defect,
            score=row.score,
            model=row.model,
            image=str(self._images / row.image) if row.image else "",
            boxes=tuple(_box(box) for box in row.boxes),
            distance=row.distance,
            review=row.review,
            decision=row.decision,
            decided_by=row.decided_by,
            decided=to_utc_or_none(row.decided),
        )


def _part(row: Row[Any]) -> Part:
    return Part(**{**row._mapping, "fits": texts(row.fits)})


def _work_order(row: Row[Any]) -> WorkOrder:
    return WorkOrder(
        **{
            **row._mapping,
            "status": WorkOrderStatus(row.status),
            "created": to_utc(row.created),
            "due": to_utc_or_none(row.due),
            "finished": to_utc_or_none(row.finished),
            "parts": texts(row.parts),
        }
    )


def _production_order(row: Row[Any]) -> ProductionOrder:
    return ProductionOrder(
        **{
            **row._mapping,
            "status": OrderStatus(row.status),
            "start": to_utc(row.start),
            "due": to_utc(row.due),
            "finished": to_utc_or_none(row.finished),
        }
    )


def _purchase_order(row: Row[Any]) -> PurchaseOrder:
    return PurchaseOrder(
        **{
            **row._mapping,
            "status": OrderStatus(row.status),
            "ordered": to_utc(row.ordered),
            "due": to_utc(row.due),
            "received": to_utc_or_none(row.received),
        }
    )


def _batch_hold(row: Row[Any]) -> BatchHold:
    return BatchHold(row.batch, row.reason, to_utc(row.placed), row.placed_by)


def _downtime(row: Row[Any]) -> Downtime:
    return Downtime(
        row.line, row.asset, to_utc(row.start), to_utc_or_none(row.end), row.reason, row.planned
    )


def _count(row: Row[Any]) -> ProductionCount:
    return ProductionCount(row.line, to_utc(row.start), to_utc(row.end), row.total, row.good)


def _event(row: Row[Any]) -> AlarmEvent:
    return AlarmEvent(
        alarm=row.alarm,
        asset=row.asset,
        message=row.message,
        severity=row.severity,
        transition=AlarmTransition(row.transition),
        time=to_utc(row.time),
        value=row.value,
        unit=row.unit,
    )


def _model(row: Row[Any]) -> InspectionModel:
    distances = tuple(float(distance) for distance in row.distances)
    return InspectionModel(row.model, to_utc(row.since), row.accuracy, distances)


def _box(stored: Sequence[int]) -> tuple[int, int, int, int]:
    x, y, width, height = (int(number) for number in stored)
    return x, y, width, height
