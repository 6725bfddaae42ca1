"""5: the audit log, or a sink that must witness it, takes nothing: nothing moves or is sent."""

import asyncio
from collections.abc import Iterator

import pytest
from desk_fixture import Office
from executor_fixture import Floor, wait_until
from sqlalchemy import Engine, text

from copilot import db
from copilot.approvals.states import State
from copilot.audit.checkpoints import read_file
from copilot.executor.carry_out import carry_out
from copilot.executor.clock import Clock
from copilot.executor.workplace import open_workplace
from copilot_tools.errors import Unavailable


def refuse_rows(engine: Engine) -> None:
    """From now on the database takes no audit row, as with a full tablespace."""
    with db.writing(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER audit_down BEFORE INSERT ON audit "
                "BEGIN SELECT RAISE(FAIL, 'no space left for audit'); END"
            )
            return
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION audit_down() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full', "
            "MESSAGE = 'no space left for audit'; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER audit_down BEFORE INSERT ON audit "
            "FOR EACH ROW EXECUTE FUNCTION audit_down()"
        )


def take_rows(engine: Engine) -> None:
    """The log takes rows again."""
    table = "" if engine.dialect.name == "sqlite" else " ON audit"
    with db.writing(engine) as connection:
        connection.execute(text(f"DROP TRIGGER audit_down{table}"))


@pytest.fixture
def down(office: Office) -> Iterator[Office]:
    office.propose()
    refuse_rows(office.engine)
    yield office
    take_rows(office.engine)
    office.approve(office.desk.get(1), "sara")
    assert office.verify().ok


def test_nothing_is_proposed(down: Office):
    with pytest.raises(Unavailable, match="no space left for audit"):
        down.propose("P-2.speed", 950.0, by="tina")
    assert [record.number for record in down.desk.list(tuple(State))] == [1]


def test_nothing_is_decided(down: Office):
    record = down.desk.get(1)
    take_rows(down.engine)
    nonce = down.nonce("sara", record)
    refuse_rows(down.engine)
    observed = down.seen(record.proposal.change.target)
    with pytest.raises(Unavailable, match="no space left for audit"):
        down.desk.approve(1, "sara", nonce, "looks right", observed)
    with pytest.raises(Unavailable, match="no space left for audit"):
        down.desk.withdraw(1, "olga", "no longer wanted")
    assert down.desk.get(1) == record
    assert down.desk.approvals(1) == []


def test_nothing_expires(down: Office):
    down.clock.advance(minutes=31)
    with pytest.raises(Unavailable, match="no space left for audit"):
        down.desk.expire_due()
    assert down.desk.get(1).state is State.PENDING
    down.clock.advance(minutes=-31)


def test_a_locked_log_is_waited_for_and_then_refused(office: Office):
    record = office.propose()
    with db.writing(office.engine), pytest.raises(Unavailable, match=r"lock"):
        office.desk.withdraw(record.number, "olga", "no longer wanted")
    assert office.desk.get(record.number) == record
    assert office.verify().ok


async def test_nothing_is_sent_while_the_log_takes_no_rows(floor: Floor):
    work = await asyncio.to_thread(open_workplace, floor.configure(lease_s=60), Clock())
    try:
        assert await asyncio.to_thread(work.tenure.begin)
        record = await asyncio.to_thread(floor.ready)
        refuse_rows(floor.engine)
        with pytest.raises(Unavailable, match="no space left for audit"):
            await carry_out(work, record)
        assert (floor.state(record), floor.execution(record)) == (State.READY, None)
        assert floor.written() == []
        take_rows(floor.engine)
        assert (await carry_out(work, record)).state is State.VERIFIED
        assert floor.written() == [1050.0]
    finally:
        await work.close()
    floor.check()


def test_nothing_is_sent_while_a_required_sink_is_down(floor: Floor):
    away = floor.folder / "share"
    config = floor.config.read_text(encoding="utf-8")
    floor.config.write_text(
        config.replace('"checkpoints.log"', '"share/checkpoints.log"') + "require_sinks = true\n",
        encoding="utf-8",
    )
    away.mkdir()
    record = floor.ready()
    executor = floor.start()
    executor.wait_until_ready()
    floor.wait_for(record, State.VERIFIED)
    away.rename(floor.folder / "gone")
    record = floor.ready(1000.0, 1050.0)
    wait_until(lambda: "checkpoint sink" in executor.log.read_text())
    assert floor.state(record) is State.READY
    assert floor.execution(record) is None
    assert floor.written() == [1050.0]
    (floor.folder / "gone").rename(away)
    floor.wait_for(record, State.VERIFIED)
    assert floor.written() == [1050.0, 1000.0]
    assert read_file(away / "checkpoints.log"), "what allowed the write was witnessed first"
    floor.check()
