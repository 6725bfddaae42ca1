"""One suite for every plant database: SQLite always, PostgreSQL where one is offered."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, insert, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from copilot_tools.errors import Failed, Unavailable
from copilot_tools.records import AlarmTransition, BatchHold, OrderStatus, WorkOrderStatus
from copilot_tools.sources import tables
from copilot_tools.sources.plant_sql import SqlAlarmJournal, SqlErp, SqlInspections
from copilot_tools.sources.sql import PlantDatabaseError, check_tables, connect

POSTGRES = os.environ.get("COPILOT_TEST_POSTGRES", "")
NOON = datetime(2026, 11, 21, 12)


@dataclass(frozen=True)
class Database:
    """A database with empty tables: to be filled by `writer`, read at `url`."""

    url: str
    writer: Engine

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        with self.writer.begin() as connection:
            connection.execute(insert(tables.metadata.tables[table]), list(rows))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield from _filled(f"sqlite:///{tmp_path / 'plant.db'}")
        return
    if not POSTGRES:
        pytest.skip("COPILOT_TEST_POSTGRES names no database")
    admin = create_engine(POSTGRES.replace("postgresql://", "postgresql+psycopg://"))
    schema = f"erp_{uuid4().hex}"
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    mark = "&" if "?" in POSTGRES else "?"
    yield from _filled(f"{POSTGRES}{mark}options=-csearch_path%3D{schema}")
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


def _filled(url: str) -> Iterator[Database]:
    writer = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    tables.metadata.create_all(writer)
    yield Database(url, writer)
    writer.dispose()


def utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def hours(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def work_order(number: str, asset: str, created: datetime, finished: datetime | None) -> dict:
    return {
        "number": number, "asset": asset, "title": "t", "kind": "corrective", "priority": "high",
        "status": "done" if finished else "open", "created": created, "due": None,
        "finished": finished, "component": "", "cause": "", "remedy": "", "assignee": "",
        "hours": 1.5, "parts": ["X-1", "X-2"],
    }  # fmt: skip


def stop(start: datetime, end: datetime | None, line: str = "L") -> dict:
    return {
        "line": line, "asset": "M", "start": start, "end": end, "reason": "jam", "planned": False,
    }  # fmt: skip


def seen(id_: int, time: datetime, line: str = "L", product: str = "a", batch: str = "B") -> dict:
    return {
        "id": id_, "line": line, "product": product, "batch": batch, "time": time, "passed": False,
        "defect": "dent", "score": 0.75, "model": "eye", "image": "a/1.png",
        "boxes": [[1, 2, 3, 4]],
    }  # fmt: skip


async def test_parts_come_whole(database: Database):
    database.add(
        "parts",
        {
            "number": "SEAL-1", "name": "joint d'étanchéité 38 mm", "unit": "pcs", "stock": 3,
            "reserved": 1, "minimum": 2, "bin": "A-1", "price": 184.5, "currency": "EUR",
            "lead_time_days": 12, "supplier": "S", "fits": ["P-1", "P-2"],
        },
    )  # fmt: skip
    [part] = await SqlErp(connect(database.url)).parts()
    assert part.name == "joint d'étanchéité 38 mm"
    assert part.available == 2
    assert part.fits == ("P-1", "P-2")
    assert part.price == 184.5


async def test_work_orders_by_asset_and_time(database: Database):
    database.add(
        "work_orders",
        work_order("WO-1", "A", hours(-50), hours(-2)),
        work_order("WO-2", "A", hours(-2), None),
        work_order("WO-3", "B", hours(-1), None),
        work_order("WO-4", "A", hours(-50), None),
    )
    erp = SqlErp(connect(database.url))

    async def numbers(assets: list[str] | None, *span: datetime | None) -> set[str]:
        start, end = (utc(moment) if moment else None for moment in span)
        return {order.number for order in await erp.work_orders(assets, start, end)}

    assert await numbers(None, None, None) == {"WO-1", "WO-2", "WO-3", "WO-4"}
    assert await numbers(["A"], None, None) == {"WO-1", "WO-2", "WO-4"}
    assert await numbers([], None, None) == set()
    assert await numbers(None, hours(-2), hours(-1)) == {"WO-1", "WO-2"}
    assert await numbers(None, hours(-2), None) == {"WO-1", "WO-2", "WO-3"}
    assert await numbers(["A"], None, hours(-2)) == {"WO-1", "WO-4"}
    first = (await erp.work_orders(["A"], utc(hours(-3)), utc(hours(0))))[0]
    assert first.number == "WO-2"
    assert first.status is WorkOrderStatus.OPEN
    assert first.parts == ("X-1", "X-2")
    assert first.created == utc(hours(-2))


async def test_orders_carry_their_times_as_utc(database: Database):
    order = {"number": "PRD-1", "line": "L", "product": "a", "batch": "B", "quantity": 5}
    order |= {"produced": 2, "status": "running", "start": hours(-1), "due": hours(1)}
    database.add("production_orders", order | {"finished": None})
    bought = {"number": "PO-1", "part": "X", "part_name": "x", "supplier": "S", "quantity": 2}
    bought |= {"unit": "pcs", "status": "done", "ordered": hours(-9), "due": hours(-2)}
    database.add("purchase_orders", bought | {"received": hours(-1)})
    erp = SqlErp(connect(database.url))
    [produced] = await erp.production_orders()
    assert (produced.status, produced.due) == (OrderStatus.RUNNING, utc(hours(1)))
    assert produced.finished is None
    [purchased] = await erp.purchase_orders()
    assert (purchased.status, purchased.received) == (OrderStatus.DONE, utc(hours(-1)))


async def test_quality_holds_come_with_who_placed_them(database: Database):
    erp = SqlErp(connect(database.url))
    assert await erp.batch_holds() == []
    hold = {"reason": "loose caps", "placed": hours(-1), "placed_by": "olga"}
    database.add("batch_holds", hold | {"batch": "B-2"}, hold | {"batch": "B-1"})
    assert await erp.batch_holds() == [
        BatchHold(batch, "loose caps", utc(hours(-1)), "olga") for batch in ("B-1", "B-2")
    ]


def test_a_proposal_is_carried_out_once(database: Database):
    receipt = {"proposal": "0" * 32, "record": "WO-1", "created": hours(0)}
    database.add("change_receipts", receipt)
    with pytest.raises(IntegrityError):
        database.add("change_receipts", receipt | {"record": "WO-2"})


async def test_a_work_order_may_have_a_description(database: Database):
    database.add("work_orders", work_order("WO-1", "A", hours(-2), None))
    wordy = work_order("WO-2", "A", hours(-1), None) | {"description": "use the long ladder"}
    database.add("work_orders", wordy)
    orders = await SqlErp(connect(database.url)).work_orders(None, None, None)
    assert [order.description for order in orders] == ["use the long ladder", ""]


async def test_stops_and_counts_that_overlap_a_span(database: Database):
    database.add(
        "downtimes",
        stop(hours(-9), hours(-8)),
        stop(hours(-9), hours(-7)),
        stop(hours(-30), None),
        stop(hours(-5), hours(-3)),
        stop(hours(-4), hours(-3)),
        stop(hours(-6), hours(-5), line="K"),
    )
    count = {"line": "L", "total": 10, "good": 9}
    database.add(
        "production_counts",
        *({**count, "start": hours(-h), "end": hours(1 - h)} for h in range(3, 10)),
    )
    erp = SqlErp(connect(database.url))
    start, end = utc(hours(-8)), utc(hours(-4))
    stops = await erp.downtimes("L", start, end)
    assert [s.start for s in stops] == [utc(hours(-30)), utc(hours(-9)), utc(hours(-5))]
    assert stops[0].end is None
    counts = await erp.counts("L", start, end)
    assert [c.start for c in counts] == [utc(hours(-h)) for h in (8, 7, 6, 5)]
    assert (counts[0].total, counts[0].good) == (10, 9)


async def test_alarm_events_in_order(database: Database):
    event = {"alarm": "A-1", "message": "m", "severity": "high", "transition": "raised"}
    event |= {"value": 0.25, "unit": "bar"}
    database.add(
        "alarm_events",
        event | {"asset": "P", "time": hours(-1)},
        event | {"asset": "Q", "time": hours(-2), "value": None},
        event | {"asset": "P", "time": hours(0)},
    )
    journal = SqlAlarmJournal(connect(database.url))
    events = await journal.events(utc(hours(-2)), utc(hours(0)))
    assert [e.asset for e in events] == ["Q", "P"]
    assert events[0].value is None
    assert events[1].transition is AlarmTransition.RAISED
    assert [e.asset for e in await journal.events(utc(hours(-2)), utc(hours(1)), ["P"])] == [
        "P"
    ] * 2


async def test_inspections_by_line_product_and_batch(database: Database):
    database.add(
        "inspections",
        seen(1, hours(-1)),
        seen(2, hours(-2), line="K"),
        seen(3, hours(-3), product="b"),
        seen(4, hours(-4), batch="C"),
        seen(5, hours(0)),
    )
    source = SqlInspections(connect(database.url), Path("/images"))

    async def ids(**chosen: str) -> list[int]:
        return [r.id for r in await source.results(utc(hours(-4)), utc(hours(0)), **chosen)]

    assert await ids() == [4, 3, 2, 1]
    assert await ids(line="L") == [4, 3, 1]
    assert await ids(product="b") == [3]
    assert await ids(line="L", batch="C") == [4]
    first = (await source.results(utc(hours(-4)), utc(hours(0))))[0]
    assert first.boxes == ((1, 2, 3, 4),)
    assert first.image == "/images/a/1.png"


async def test_inspections_of_a_station_carry_distance_review_and_decision(database: Database):
    database.add(
        "inspections",
        seen(2**61, hours(-2)) | {"distance": 0.5, "review": "unsure", "decision": "good",
        "decided_by": "eva", "decided": hours(-1)},
    )  # fmt: skip
    database.add("inspections", seen(1, hours(-1)))
    distances = [0.1 * n for n in range(11)]
    model = {"model": "eye 1", "since": hours(-9), "accuracy": 0.99, "distances": distances}
    database.add("inspection_models", model, model | {"model": "eye 2", "since": hours(-3)})
    source = SqlInspections(connect(database.url))
    first, second = await source.results(utc(hours(-4)), utc(hours(0)))
    assert (first.id, first.distance, first.decided) == (2**61, 0.5, utc(hours(-1)))
    assert first.good_after_review
    assert (second.distance, second.review, second.decision, second.decided) == (None, "", "", None)
    assert not second.good_after_review
    newest, older = await source.models()
    assert (newest.model, older.model) == ("eye 2", "eye 1")
    assert newest.distances == tuple(distances)


async def test_nothing_can_be_written(database: Database):
    with connect(database.url).connect() as connection, pytest.raises(DBAPIError):
        connection.execute(insert(tables.downtimes), [stop(hours(0), None)])


async def test_a_record_out_of_form_is_named(database: Database):
    database.add("work_orders", work_order("WO-1", "A", hours(-1), None) | {"status": "lost"})
    with pytest.raises(Failed, match="plant-database.md says: 'lost'"):
        await SqlErp(connect(database.url)).work_orders(None, None, None)


def test_missing_tables_and_columns_are_named(database: Database):
    check_tables(connect(database.url))
    with database.writer.begin() as connection:
        connection.execute(text("DROP TABLE parts"))
        connection.execute(text("DROP TABLE batch_holds"))
        connection.execute(text("ALTER TABLE work_orders RENAME COLUMN cause TO reason"))
    with pytest.raises(PlantDatabaseError, match=r"lacks parts, batch_holds, work_orders\.cause;"):
        check_tables(connect(database.url))


async def test_a_source_that_goes_away_says_when_it_last_answered(database: Database):
    erp = SqlErp(connect(database.url))
    await erp.parts()
    with database.writer.begin() as connection:
        connection.execute(text("DROP TABLE parts"))
    with pytest.raises(Unavailable, match="ERP is not reachable: .*parts") as lost:
        await erp.parts()
    assert lost.value.since is not None
    with database.writer.begin() as connection:
        tables.parts.create(connection)
    assert await erp.parts() == []


def test_a_missing_file_is_not_created(tmp_path: Path):
    path = tmp_path / "elsewhere" / "plant.db"
    with pytest.raises(PlantDatabaseError, match="there is no plant database at .*plant.db"):
        connect(f"sqlite:///{path}")
    assert not path.parent.exists()


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path):
    path = tmp_path / "notes #1 100%.db"
    path.write_text("buy milk " * 200)
    engine = connect(f"sqlite:///{path}")
    with pytest.raises(PlantDatabaseError, match="file is not a database"):
        check_tables(engine)
    with pytest.raises(Unavailable, match="file is not a database"):
        await SqlErp(engine).parts()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("plant.db", "not a database URL"),
        ("", "not a database URL"),
        ("sqlite://", "must be a file"),
        ("oracel://host/x", "no driver for 'oracel'"),
    ],
)
def test_wrong_addresses_are_explained(url: str, message: str):
    with pytest.raises(PlantDatabaseError, match=message):
        connect(url)


async def test_a_server_that_is_off_is_unavailable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = connect(f"postgresql://user:secret@127.0.0.1:{port}/plant")
    with pytest.raises(Unavailable, match="ERP is not reachable: .*refused") as off:
        await SqlErp(engine).parts()
    assert off.value.since is None
    with pytest.raises(PlantDatabaseError, match="user:\\*\\*\\*@") as wrong:
        check_tables(engine)
    assert "secret" not in str(wrong.value)


async def test_a_server_that_says_nothing_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = connect(f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/plant")
        with pytest.raises(Unavailable, match="ERP is not reachable"):
            await SqlErp(engine).parts()


@pytest.mark.skipif(not POSTGRES, reason="COPILOT_TEST_POSTGRES names no database")
async def test_a_wrong_login_is_said_to_be_one():
    url = make_url(POSTGRES).set(username="intruder", password="wrong")
    engine = connect(url.render_as_string(hide_password=False))
    with pytest.raises(PlantDatabaseError, match="cannot be opened: .*intruder"):
        check_tables(engine)
    with pytest.raises(Unavailable, match="intruder"):
        await SqlErp(engine).parts()
