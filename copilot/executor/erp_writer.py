"""Makes the records of approved changes in the plant database, each with a receipt.

The receipt carries the proposal's id as its key and is written in the same transaction: a change is
recorded once, whatever is repeated or lost.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    NullPool,
    RowMapping,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from copilot.executor.outcome import LastLook, Seen, Sent, unasked
from copilot_tools.changes import Change
from copilot_tools.errors import Denied, Unavailable
from copilot_tools.facts import Quality
from copilot_tools.sources import tables
from copilot_tools.sources.sql import from_utc, to_utc

SOURCE = "ERP"
TIMEOUT_S = 5.0
ATTEMPTS = 3  # at a number that somebody else has just given away
LONGEST = {"title": 200, "description": 400}  # as the columns of work_orders
_RECORDED_BY = "copilot"


def open_erp(url: str) -> Engine:
    """The plant database as the executor's write role sees it; nothing is opened yet."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": TIMEOUT_S})
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine
    return create_engine(
        parsed, poolclass=NullPool, connect_args={"connect_timeout": int(TIMEOUT_S)}
    )


class ErpActuator:
    """Work orders, reservations, purchase requests and batch holds (see `actuators.Actuator`)."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    async def prepare(self, change: Change) -> None:
        """Check that the database answers and its tables take the record; nothing is written.

        Raises Denied for a record that cannot be made, Unavailable when the ERP does not answer.
        """
        await asyncio.to_thread(self._prepare, change)

    async def send(self, change: Change, key: str, last_look: LastLook = unasked) -> Sent:
        """Make the record and its receipt; one that is there already is not made again."""
        await last_look()
        try:
            return Sent("good", await asyncio.to_thread(self._record, change, key))
        except Denied as error:
            return Sent("refused", str(error))
        except _CommitLostError as error:
            return Sent("uncertain", str(error))
        except (SQLAlchemyError, OSError) as error:
            return Sent("refused", f"nothing was recorded: {_reason(error)}")

    async def read_back(self, change: Change, key: str) -> Seen:
        """Whether the receipt of this proposal is there; its record is the value."""
        try:
            found = await asyncio.to_thread(self._receipt, key)
        except (SQLAlchemyError, OSError) as error:
            return Seen("unclear", None, "", Quality.BAD, None, _reason(error))
        if found is None:
            return Seen("not_applied", None, "", Quality.GOOD, self._now(), "no receipt")
        record, created = found
        return Seen("applied", record, "", Quality.GOOD, created, "receipt found")

    def _prepare(self, change: Change) -> None:
        try:
            with self._engine.connect() as connection:
                _CHECKS[change.tool](connection, change.arguments)
        except (SQLAlchemyError, OSError) as error:
            raise Unavailable(SOURCE, _reason(error)) from error

    def _record(self, change: Change, key: str) -> str:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._record_in_transaction(change, key)
            except IntegrityError:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _record_in_transaction(self, change: Change, key: str) -> str:
        """The record's number; whatever goes wrong before the commit leaves nothing behind."""
        with self._engine.connect() as connection:
            transaction = connection.begin()
            record = _record_once(connection, change, key, self._now())
            try:
                transaction.commit()
            except IntegrityError:
                raise
            except (SQLAlchemyError, OSError) as error:
                raise _CommitLostError(_reason(error)) from error
        return record

    def _receipt(self, key: str) -> tuple[str, datetime] | None:
        with self._engine.connect() as connection:
            return _find_receipt(connection, key)


class _CommitLostError(Exception):
    """The answer to a commit did not come: the record may be there or not."""


def _record_once(connection: Connection, change: Change, key: str, at: datetime) -> str:
    if connection.dialect.name == "postgresql":
        # Two numbers must not be counted at once; PostgreSQL has no lock of its own for that.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('copilot executor'))")
    if found := _find_receipt(connection, key):
        return found[0]
    record = _RECORDS[change.tool](connection, change, at)
    receipt = {"proposal": key, "record": record, "created": from_utc(at)}
    connection.execute(insert(tables.change_receipts).values(receipt))
    return record


def _find_receipt(connection: Connection, key: str) -> tuple[str, datetime] | None:
    c = tables.change_receipts.c
    row = connection.execute(select(c.record, c.created).where(c.proposal == key)).one_or_none()
    return (row.record, to_utc(row.created)) if row else None


def _create_work_order(connection: Connection, change: Change, at: datetime) -> str:
    wanted = change.arguments
    number = _next_number(connection, tables.work_orders.c.number, "WO")
    row: dict[str, Any] = {
        "number": number,
        "asset": wanted["asset"],
        "title": wanted["title"],
        "description": wanted["description"],
        "kind": "corrective",
        "priority": wanted["priority"],
        "status": "open",
        "created": from_utc(at),
        "component": "",
        "cause": "",
        "remedy": "",
        "assignee": "",
        "hours": 0.0,
        "parts": [],
    }
    connection.execute(insert(tables.work_orders).values(row))
    return number


def _reserve_part(connection: Connection, change: Change, _at: datetime) -> str:
    c = tables.parts.c
    number, quantity = str(change.arguments["part"]), float(str(change.arguments["quantity"]))
    enough = c.stock - c.reserved >= quantity
    reserved = connection.execute(
        update(tables.parts)
        .where(c.number == number, enough)
        .values(reserved=c.reserved + quantity)
    )
    if not reserved.rowcount:
        raise Denied(f"{number}: fewer than {quantity:g} are available")
    return number


def _request_purchase(connection: Connection, change: Change, at: datetime) -> str:
    _check_offer(connection, change.arguments)
    part = _part(connection, change.arguments)
    number = _next_number(connection, tables.purchase_orders.c.number, "PO")
    row = {
        "number": number,
        "part": part["number"],
        "part_name": part["name"],
        "supplier": part["supplier"],
        "quantity": change.arguments["quantity"],
        "unit": part["unit"],
        "status": "open",
        "ordered": from_utc(at),
        "due": from_utc(at + timedelta(days=part["lead_time_days"])),
    }
    connection.execute(insert(tables.purchase_orders).values(row))
    return number


def _hold_batch(connection: Connection, change: Change, at: datetime) -> str:
    batch = str(change.arguments["batch"])
    _check_hold(connection, change.arguments)
    row = {
        "batch": batch,
        "reason": change.reason,
        "placed": from_utc(at),
        "placed_by": _RECORDED_BY,
    }
    connection.execute(insert(tables.batch_holds).values(row))
    return batch


def _check_stock(connection: Connection, wanted: Mapping[str, Any]) -> None:
    part = _part(connection, wanted)
    available = part["stock"] - part["reserved"]
    if available < float(wanted["quantity"]):
        raise Denied(f"{part['number']}: only {available:g} {part['unit']} are available")


def _check_offer(connection: Connection, wanted: Mapping[str, Any]) -> None:
    part = _part(connection, wanted)
    offered = {"unit_price": part["price"], "currency": part["currency"]}
    offered["supplier"] = part["supplier"]
    for name, value in offered.items():
        if name in wanted and wanted[name] != value:
            shown = f"{name.replace('_', ' ')} was {wanted[name]}, is {value}"
            raise Denied(f"{part['number']}: {shown}")


def _check_hold(connection: Connection, wanted: Mapping[str, Any]) -> None:
    c = tables.batch_holds.c
    if connection.execute(select(c.batch).where(c.batch == wanted["batch"])).first():
        raise Denied(f"batch {wanted['batch']} is on hold already")


def _check_lengths(connection: Connection, wanted: Mapping[str, Any]) -> None:
    connection.execute(select(tables.work_orders.c.number).limit(1))
    for name, longest in LONGEST.items():
        if len(wanted[name]) > longest:
            raise Denied(f"the {name} is longer than {longest} characters")


def _part(connection: Connection, wanted: Mapping[str, Any]) -> RowMapping:
    query = select(tables.parts).where(tables.parts.c.number == wanted["part"])
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise Denied(f"the ERP has no part {wanted['part']}")
    return row


def _next_number(connection: Connection, column: Column[str], prefix: str) -> str:
    """The number after the highest in use, written as that one is: "WO-1043", "WO-0007"."""
    longest = func.length(column).desc()
    for (used,) in connection.execute(select(column).order_by(longest, column.desc()).limit(100)):
        if match := re.fullmatch(r"(.*?)(\d+)", used):
            start, digits = match.groups()
            return f"{start}{int(digits) + 1:0{len(digits)}d}"
    return f"{prefix}-1"


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", error)).partition("\n")[0]


_RECORDS = {
    "create_work_order": _create_work_order,
    "reserve_part": _reserve_part,
    "request_purchase": _request_purchase,
    "hold_batch": _hold_batch,
}
_CHECKS = {
    "create_work_order": _check_lengths,
    "reserve_part": _check_stock,
    "request_purchase": _check_offer,
    "hold_batch": _check_hold,
}
