import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from own_database import POSTGRES, empty_schema
from sqlalchemy import Engine, func, insert, select, update

from copilot.executor.erp_writer import ErpActuator, open_erp
from copilot_tools.changes import Change, Target
from copilot_tools.errors import Denied, Unavailable
from copilot_tools.facts import Value
from copilot_tools.sources import tables

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PART = {
    "number": "SEAL-2",
    "name": "Seal",
    "unit": "pcs",
    "stock": 5.0,
    "reserved": 2.0,
    "minimum": 1.0,
    "bin": "A1",
    "price": 12.5,
    "currency": "EUR",
    "lead_time_days": 14,
    "supplier": "Seals Ltd",
    "fits": [],
}
KEY = "a" * 32


@pytest.fixture(params=["sqlite", "postgresql"])
def erp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        yield from _filled(f"sqlite:///{tmp_path / 'erp.db'}")
        return
    if not POSTGRES:
        pytest.skip("COPILOT_TEST_POSTGRES names no database")
    with empty_schema(POSTGRES) as url:
        yield from _filled(url)


def _filled(url: str) -> Iterator[Engine]:
    engine = open_erp(url)
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(tables.parts).values(PART))
    yield engine
    engine.dispose()


def work_order(title: str = "Change the seal", description: str = "") -> Change:
    arguments = {"asset": "M-1", "title": title, "priority": "high", "description": description}
    return Change("create_work_order", Target("asset", "M-1:1", "M-1"), arguments, "")


def reserve(quantity: float) -> Change:
    arguments = {"part": "SEAL-2", "quantity": quantity}
    return Change("reserve_part", Target("part", "SEAL-2"), arguments, "")


def buy(**offer: Value) -> Change:
    offered = {"unit_price": 12.5, "currency": "EUR", "supplier": "Seals Ltd", **offer}
    arguments = {"part": "SEAL-2", "quantity": 3.0, **offered}
    return Change("request_purchase", Target("part", "SEAL-2"), arguments, "")


HOLD = Change("hold_batch", Target("batch", "B-1"), {"batch": "B-1"}, "", reason="cloudy")


def rows(engine: Engine, table: Any) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


@pytest.mark.parametrize("change", [work_order(), reserve(2), buy(), HOLD], ids=lambda c: c.tool)
async def test_a_repeat_is_answered_with_the_first_record(erp: Engine, change: Change) -> None:
    actuator = ErpActuator(erp, lambda: NOW)
    assert (await actuator.read_back(change, KEY)).effect == "not_applied"
    await actuator.prepare(change)
    first = await actuator.send(change, KEY)
    before = [rows(erp, table) for table in tables.metadata.sorted_tables]
    assert await actuator.send(change, KEY) == first
    assert [rows(erp, table) for table in tables.metadata.sorted_tables] == before
    seen = await actuator.read_back(change, KEY)
    assert (first.outcome, seen.effect, seen.value, seen.time) == (
        "good",
        "applied",
        first.status,
        NOW,
    )


async def test_work_orders_are_numbered_on(erp: Engine) -> None:
    actuator = ErpActuator(erp, lambda: NOW)
    assert (await actuator.send(work_order(), "1" * 32)).status == "WO-1"
    with erp.begin() as connection:
        connection.execute(update(tables.work_orders).values(number="WO-0999"))
    sent = await asyncio.gather(
        *(actuator.send(work_order(description="leaks"), f"{key}" * 32) for key in range(2, 6))
    )
    assert sorted(one.status for one in sent) == ["WO-1000", "WO-1001", "WO-1002", "WO-1003"]
    newest = rows(erp, tables.work_orders)[-1]
    assert (newest["title"], newest["description"], newest["status"], newest["finished"]) == (
        "Change the seal",
        "leaks",
        "open",
        None,
    )


async def test_more_than_is_available_is_not_reserved(erp: Engine) -> None:
    actuator = ErpActuator(erp, lambda: NOW)
    with pytest.raises(Denied, match="only 3 pcs are available"):
        await actuator.prepare(reserve(4))
    assert (await actuator.send(reserve(4), KEY)).outcome == "refused"
    assert (await actuator.send(reserve(3), KEY)).outcome == "good"
    assert (await actuator.send(reserve(1), "b" * 32)).outcome == "refused"
    assert rows(erp, tables.parts)[0]["reserved"] == 5.0
    assert [row["proposal"] for row in rows(erp, tables.change_receipts)] == [KEY]


async def test_a_purchase_is_due_after_the_lead_time(erp: Engine) -> None:
    await ErpActuator(erp, lambda: NOW).send(buy(), KEY)
    (order,) = rows(erp, tables.purchase_orders)
    assert (order["status"], order["quantity"], order["due"]) == (
        "open",
        3.0,
        datetime(2026, 12, 5, 12),
    )


async def test_a_purchase_at_another_price_than_shown_is_refused(erp: Engine) -> None:
    with pytest.raises(Denied, match=r"unit price was 10\.0, is 12\.5"):
        await ErpActuator(erp, lambda: NOW).prepare(buy(unit_price=10.0))


async def test_a_price_that_changed_after_the_check_is_refused(erp: Engine) -> None:
    actuator = ErpActuator(erp, lambda: NOW)
    await actuator.prepare(buy())
    with erp.begin() as connection:
        connection.execute(update(tables.parts).values(price=99.0))
    sent = await actuator.send(buy(), KEY)
    assert (sent.outcome, sent.status) == ("refused", "SEAL-2: unit price was 12.5, is 99.0")
    assert rows(erp, tables.purchase_orders) == []
    assert (await actuator.read_back(buy(), KEY)).effect == "not_applied"


async def test_a_batch_is_held_once(erp: Engine) -> None:
    actuator = ErpActuator(erp, lambda: NOW)
    await actuator.send(HOLD, KEY)
    with pytest.raises(Denied, match="on hold already"):
        await actuator.prepare(HOLD)
    assert (await actuator.send(HOLD, "b" * 32)).outcome == "refused"
    assert len(rows(erp, tables.batch_holds)) == 1


async def test_an_erp_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    engine = open_erp(f"sqlite:///{tmp_path / 'missing' / 'erp.db'}")
    actuator = ErpActuator(engine, lambda: NOW)
    with pytest.raises(Unavailable):
        await actuator.prepare(work_order())
    assert (await actuator.send(work_order(), KEY)).outcome == "refused"
    assert (await actuator.read_back(work_order(), KEY)).effect == "unclear"
    engine.dispose()


async def test_a_failure_before_the_commit_leaves_nothing_behind(erp: Engine) -> None:
    tables.change_receipts.drop(erp)
    sent = await ErpActuator(erp, lambda: NOW).send(reserve(1), KEY)
    assert sent.outcome == "refused"
    with erp.connect() as connection:
        assert connection.execute(select(func.sum(tables.parts.c.reserved))).scalar() == 2.0
