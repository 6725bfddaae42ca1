"""24: with 10,000 proposals pending, the desk still answers rightly, and from its indexes."""

from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import pytest
from desk_fixture import Office
from sqlalchemy import insert, select, text

from copilot import tables
from copilot.approvals.states import OPEN, State
from copilot.canonical import digest
from copilot.db import reading, stamp, writing
from copilot.proposal import freeze
from copilot_tools.changes import Change, Target
from copilot_tools.errors import Retry

PENDING = 10_000
SHORT = 300  # this many of them run out of time soon


def fill(office: Office) -> None:
    """Pending work orders, put straight into the table: ten thousand is about the table."""
    rows = []
    for number in range(1, PENDING + 1):
        title = f"grease bearing {number}"
        target = Target("asset", f"M-1:{digest(title)[:8]}", "M-1")
        change = Change("create_work_order", target, {"asset": "M-1", "title": title}, title)
        ttl = timedelta(minutes=5 if number <= SHORT else 30)
        proposal = office.proposal("otto", change, expires=office.clock() + ttl)
        payload, payload_hash = freeze(proposal)
        rows.append(
            {
                "id": proposal.id,
                "number": number,
                "key": f"key {number}",
                "tool": change.tool,
                "target": f"asset:{target.key}",
                "asset": "M-1",
                "proposer": "otto",
                "payload": payload,
                "payload_hash": payload_hash,
                "state": State.PENDING,
                "version": 2,
                "approvals_needed": 1,
                "created": stamp(proposal.created),
                "expires": stamp(proposal.expires),
                "changed": stamp(proposal.created),
                "note": "",
            }
        )
    with writing(office.engine) as connection:
        connection.execute(insert(tables.proposals), rows)
        if office.engine.dialect.name == "postgresql":
            connection.execute(text("ANALYZE proposals"))


def test_the_desk_stays_right(office: Office):
    """The times are printed, for who runs this with -s."""
    fill(office)

    def timed(name: str, began: float) -> None:
        print(f"{name}: {(perf_counter() - began) * 1000:.1f} ms")

    began = perf_counter()
    record = office.propose()
    timed("submit", began)
    assert (record.number, record.state) == (PENDING + 1, State.PENDING)
    with pytest.raises(Retry, match=f"#{record.number} "):
        office.propose(by="otto", value=1100.0)
    began = perf_counter()
    record = office.approve(record, "sara")
    timed("step_up_and_approve", began)
    assert record.state is State.READY

    began = perf_counter()
    page = office.desk.list(limit=50)
    timed("first_page_of_50", began)
    numbers = [listed.number for listed in page]
    while page := office.desk.list(after=numbers[-1]):
        numbers += [listed.number for listed in page]
    timed("all_pages", began)
    assert numbers == list(range(1, PENDING + 2))

    office.clock.advance(minutes=6)
    began = perf_counter()
    expired = office.desk.expire_due()
    timed(f"expire_{SHORT}", began)
    assert [one.number for one in expired] == list(range(1, SHORT + 1))
    assert office.verify().ok


def test_the_open_change_of_a_target_is_found_by_index(office: Office):
    fill(office)
    c = tables.proposals.c
    looked_up = {
        "target": select(c.id).where(c.target == "setpoint:M-1.speed", c.state.in_(OPEN)),
        "key": select(c.id).where(c.key == "key 5000"),
        "number": select(c.id).where(c.number == 5000),
    }
    dialect = office.engine.dialect
    explain = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN"
    with reading(office.engine) as connection:
        for what, query in looked_up.items():
            sql = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
            bound = sql.params
            values = tuple(bound[name] for name in sql.positiontup) if sql.positiontup else bound
            plan = str(connection.exec_driver_sql(f"{explain} {sql}", values).all())
            assert "SCAN proposals" not in plan, what
            assert "Seq Scan" not in plan, what
            assert "Index" in plan or "INDEX" in plan, what


def test_a_stranger_among_them_is_noticed(office: Office):
    """One altered payload spoils neither the other ten thousand nor goes unseen."""
    record = office.propose()
    with writing(office.engine) as connection:
        altered = replace(record.proposal, person="somebody else")
        change = tables.proposals.update().where(tables.proposals.c.number == record.number)
        connection.execute(change.values(payload=freeze(altered)[0]))
    with pytest.raises(Exception, match="was altered in the database"):
        office.approve(record, "sara")
