from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, select

from copilot.demo.chronicle import Chronicle, Episode, LineMinute, Stop
from copilot.demo.defects import defect_chances
from copilot.demo.faults import FAULTS
from copilot.demo.maintenance import REPAIRS
from copilot.demo.rows import append, write
from copilot.demo.schedule import LINES, planned_stops, product_at, run_at, runs
from copilot.demo.stores import load_parts
from copilot_tools.records import AlarmEvent, AlarmTransition
from copilot_tools.sources import tables
from copilot_tools.sources.sql import from_utc

SEED = 7
END = datetime(2026, 11, 21, 6, tzinfo=UTC)
START = END - timedelta(days=3)
MINUTE = timedelta(minutes=1)
HEALTHY = LineMinute("L2", START, 340, 0.1, 1.3, 2.1, 0.2, 0.00002)
CLOG = Episode(
    "nozzle_clog", "FIL-22", END - timedelta(days=2), END - timedelta(days=1),
    END - timedelta(hours=20), 0.9, True,
)  # fmt: skip
WORN = Episode(
    "clutch_wear", "CAP-13", START, END - timedelta(hours=9), None, 0.4, False
)  # fmt: skip
JAM = Stop(
    "L2", "FIL-22", END - timedelta(hours=21), CLOG.repaired, "nozzle pressure high",
    planned=False, fault="nozzle_clog",
)  # fmt: skip


def minutes(line: str, start: datetime, end: datetime) -> Iterator[LineMinute]:
    """A line that fills low and unevenly while its nozzles are clogged, and stands in a jam."""
    clogged = CLOG.start, CLOG.repaired
    while start < end:
        one = replace(HEALTHY, line=line, start=start)
        if line == "L2" and clogged[0] <= start < clogged[1]:
            one = replace(one, weight_error=-3.5, weight_spread=3.0)
        if line == "L2" and JAM.start <= start < JAM.end:
            one = replace(one, total=0)
        yield one
        start += MINUTE


def chronicle(start: datetime, end: datetime, **told: Any) -> Chronicle:
    made = [minute for line in LINES for minute in minutes(line, start, end)]
    return Chronicle(start, end, minutes=made, **told)


ALARM = AlarmEvent(
    "ALM-2", "FIL-22", "nozzle pressure high", "high", AlarmTransition.RAISED,
    END - timedelta(hours=22), 2.95, "bar",
)  # fmt: skip
STORY = chronicle(START, END, episodes=[CLOG, WORN], stops=[JAM], alarms=[ALARM])
HOUR_LATER = chronicle(
    END,
    END + timedelta(hours=1),
    episodes=[replace(WORN, repaired=END + timedelta(minutes=30))],
)


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('erp') / 'plant.db'}")
    write(engine, STORY, SEED)
    yield engine
    engine.dispose()


def rows(engine: Engine, name: str, **where: Any) -> list[Any]:
    table = tables.metadata.tables[name]
    query = select(table).where(*(table.c[key] == value for key, value in where.items()))
    with engine.connect() as connection:
        return list(connection.execute(query.order_by(*table.primary_key)))


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def everything(engine: Engine) -> dict[str, list[Any]]:
    return {name: rows(engine, name) for name in tables.metadata.tables}


def test_a_repaired_fault_leaves_a_finished_work_order(erp: Engine):
    [order] = rows(erp, "work_orders", asset="FIL-22", kind="corrective")
    assert order.component == "filling nozzle"
    assert (order.created, order.finished) == (naive(CLOG.noticed), naive(CLOG.repaired))
    assert (order.status, order.priority) == ("done", "urgent")
    assert order.cause
    assert order.remedy
    assert order.hours > 0


def test_a_fault_that_grows_has_an_unfinished_work_order(erp: Engine):
    [order] = rows(erp, "work_orders", asset="CAP-13", kind="corrective")
    assert (order.status, order.finished, order.remedy) == ("in_progress", None, "")


def test_a_fault_stops_its_line_and_raises_its_alarm(erp: Engine):
    [stop] = rows(erp, "downtimes", asset="FIL-22")
    assert (stop.start, stop.end, stop.planned) == (naive(JAM.start), naive(JAM.end), False)
    [alarm] = rows(erp, "alarm_events")
    assert (alarm.alarm, alarm.transition, alarm.value) == ("ALM-2", "raised", 2.95)
    stood = [
        row
        for row in rows(erp, "production_counts", line="L2")
        if stop.start <= row.start < stop.end
    ]
    assert len(stood) == 60
    assert sum(row.total for row in stood) == 0


def test_a_fault_shows_in_defects_and_rejects_of_its_time_only(erp: Engine):
    def share(line: str, before: bool) -> tuple[float, float]:
        span = [START, CLOG.start] if before else [CLOG.start, JAM.start]
        low, high = (naive(moment) for moment in span)
        seen = [r for r in rows(erp, "inspections", line=line) if low <= r.time < high]
        made = [r for r in rows(erp, "production_counts", line=line) if low <= r.start < high]
        rejected = 1 - sum(r.good for r in made) / sum(r.total for r in made)
        return sum(r.defect == "underfill" for r in seen) / len(seen), rejected

    for line, before, sick in (
        ("L2", True, False), ("L1", False, False), ("L1", True, False), ("L2", False, True),
    ):  # fmt: skip
        underfill, rejected = share(line, before)
        assert (underfill > 0.05) is sick
        assert (rejected > 0.05) is sick


def test_inspections_carry_product_and_batch_of_the_plan(erp: Engine):
    for row in rows(erp, "inspections")[::500]:
        run = run_at(row.line, row.time.replace(tzinfo=UTC), SEED)
        assert (row.product, row.batch) == (run.product, run.batch)
        assert bool(row.boxes) is not row.passed


def test_production_orders_add_up_and_know_where_they_stand(erp: Engine):
    orders = rows(erp, "production_orders", line="L1")
    assert {order.status for order in orders} == {"done", "running", "planned"}
    [running] = [order for order in orders if order.status == "running"]
    assert running.start <= naive(END)
    counts = rows(erp, "production_counts", line="L1")
    made = sum(row.good for row in counts if row.start >= running.start)
    assert running.produced == made
    assert all((order.finished is not None) is (order.status == "done") for order in orders)


def test_stores_and_purchases_make_sense(erp: Engine):
    known = {part.number for part in rows(erp, "parts")}
    assert len(known) == 55
    assert any(part.stock == 0 for part in rows(erp, "parts"))
    purchases = rows(erp, "purchase_orders")
    assert {order.part for order in purchases} <= known
    overdue = [o for o in purchases if o.status == "open" and o.due < naive(END)]
    assert overdue
    assert all(o.received is None or o.ordered < o.received <= naive(END) for o in purchases)
    awaited = {order.part for order in purchases if order.status == "open"}
    short = {p.number for p in rows(erp, "parts") if p.stock - p.reserved < p.minimum}
    assert short <= awaited


def test_writing_again_changes_nothing(erp: Engine):
    before = everything(erp)
    write(erp, STORY, SEED)
    append(erp, STORY, SEED)
    assert everything(erp) == before


def test_the_same_seed_gives_the_same_rows(tmp_path: Path):
    stretch = chronicle(START, START + timedelta(hours=4))
    found = []
    for name, seed in (("a", SEED), ("b", SEED), ("c", SEED + 1)):
        engine = create_engine(f"sqlite:///{tmp_path / name}.db")
        write(engine, stretch, seed)
        found.append(everything(engine))
        engine.dispose()
    assert found[0] == found[1]
    assert found[0]["inspections"] != found[2]["inspections"]


def test_a_later_stretch_is_added_once_and_finishes_what_was_open(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path / 'plant.db'}")
    early = chronicle(START, END, episodes=[WORN], stops=[replace(JAM, end=None)])
    write(engine, early, SEED)
    later = replace(HOUR_LATER, stops=[replace(JAM, end=END + MINUTE)])
    append(engine, later, SEED)
    once = everything(engine)
    append(engine, later, SEED)
    assert everything(engine) == once
    [order] = rows(engine, "work_orders", asset="CAP-13", kind="corrective")
    assert (order.status, order.finished) == ("done", naive(END + timedelta(minutes=30)))
    [stop] = rows(engine, "downtimes", asset="FIL-22")
    assert stop.end == naive(END + MINUTE)
    assert len(rows(engine, "production_counts")) == len(early.minutes) + len(later.minutes)
    numbers = [order.number for order in rows(engine, "work_orders")]
    assert len(set(numbers)) == len(numbers)
    engine.dispose()


def test_what_the_executor_wrote_is_kept_and_its_numbers_are_not_used_again(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path / 'plant.db'}")
    write(engine, STORY, SEED)
    job = rows(engine, "work_orders")[-1]._asdict()
    job |= {"title": "grease the chain", "status": "open", "created": from_utc(END)}
    bought = rows(engine, "purchase_orders")[-1]._asdict()
    bought |= {"status": "open", "ordered": from_utc(END), "due": from_utc(END), "received": None}
    hold = {"batch": "B-1", "reason": "", "placed": from_utc(END), "placed_by": "olga"}
    with engine.begin() as connection:
        for number in ("WO-9001", "WO-0d4e5f"):
            connection.execute(insert(tables.work_orders), job | {"number": number})
        connection.execute(insert(tables.purchase_orders), bought | {"number": "PO-9001"})
        connection.execute(insert(tables.batch_holds), hold)
    append(engine, chronicle(END, END + timedelta(days=4)), SEED)
    (kept,) = rows(engine, "work_orders", number="WO-9001")
    assert kept._asdict() == job | {"number": "WO-9001"}
    assert len(rows(engine, "work_orders", title="grease the chain")) == 2
    assert len(rows(engine, "purchase_orders", number="PO-9001", ordered=from_utc(END))) == 1
    assert [row._asdict() for row in rows(engine, "batch_holds")] == [hold]
    numbers = [row.number for row in rows(engine, "work_orders") + rows(engine, "purchase_orders")]
    assert len(numbers) == len(set(numbers))
    assert "PO-9002" in numbers
    engine.dispose()


def test_the_last_telling_of_a_stop_or_fault_counts(tmp_path: Path):
    growing = replace(CLOG, repaired=None, failed=False, peak=0.3)
    told = Chronicle(START, END, episodes=[growing, CLOG], stops=[replace(JAM, end=None), JAM])
    engine = create_engine(f"sqlite:///{tmp_path / 'plant.db'}")
    write(engine, told, SEED)
    [order] = rows(engine, "work_orders", kind="corrective")
    assert order.status == "done"
    [stop] = rows(engine, "downtimes")
    assert stop.end == naive(JAM.end)
    engine.dispose()


def test_the_newest_rejects_and_some_good_bottles_are_pictured(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path / 'plant.db'}")
    images = tmp_path / "images"
    stretch = chronicle(CLOG.start, CLOG.start + timedelta(hours=6))
    write(engine, stretch, SEED, images)
    pictured = [row for row in rows(engine, "inspections") if row.image]
    heats = {path.name for path in images.glob("*.heat.png")}
    assert {row.image for row in pictured} == {path.name for path in images.iterdir()} - heats
    assert len(heats) == sum(not row.passed for row in pictured)
    assert sum(row.passed for row in pictured) == 50
    rejects = rows(engine, "inspections", passed=False)
    assert sum(not row.passed for row in pictured) == min(len(rejects), 150)
    [model] = rows(engine, "inspection_models")
    assert {row.model for row in pictured} == {model.model}
    assert all(row.distance is not None and bool(row.boxes) != row.passed for row in pictured)
    engine.dispose()


def test_every_fault_has_its_repair_and_every_spare_part_exists():
    assert REPAIRS.keys() == FAULTS.keys()
    known = {part.number for part in load_parts()}
    used = {fault.spare for fault in FAULTS.values() if fault.spare}
    used |= {part for repair in REPAIRS.values() for part in repair.consumed}
    assert used <= known


def test_runs_follow_each_other_without_gap_and_begin_with_a_planned_stop():
    for line in LINES:
        plan = runs(line, START, END, SEED)
        assert all(a.end == b.start for a, b in pairwise(plan))
        assert plan[0].start <= START
        assert plan[-1].end >= END
        assert {run.product for run in plan} <= set(LINES[line].products)
        starts = [stop.start for stop in planned_stops(line, START, END, SEED)]
        assert set(starts) <= {run.start for run in plan}
        assert product_at(line, plan[1].start, SEED) == plan[1].product


@pytest.mark.parametrize(
    ("change", "defect"),
    [
        ({"weight_error": -8.0}, "underfill"),
        ({"weight_error": 8.0}, "overfill"),
        ({"closing_torque": 1.3}, "loose cap"),
        ({"label_error": 2.1}, "crooked label"),
        ({"label_missing": 0.4}, "missing label"),
    ],
)
def test_what_the_machines_do_decides_the_defect(change: dict[str, float], defect: str):
    healthy = defect_chances(HEALTHY, "500 ml cola")
    assert sum(healthy.values()) < 0.004
    sick = defect_chances(replace(HEALTHY, **change), "500 ml cola")
    assert sick[defect] > 0.3
    assert sum(sick.values()) <= 1
    assert max(sick, key=lambda name: sick[name]) == defect
