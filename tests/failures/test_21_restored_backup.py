"""21: the database is restored from a backup; nothing that was approved in it is carried out."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from account_fixture import audit_rows
from executor_fixture import Floor, open_floor, wait_for_text
from own_database import POSTGRES, empty_schema
from sqlalchemy import Engine, delete, insert, select, text

from copilot import db, tables
from copilot.approvals.states import State


@pytest.fixture
def backup(floor: Floor, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the same kind, to hold the backup."""
    if floor.engine.dialect.name == "sqlite":
        yield f"sqlite:///{tmp_path / 'restored.db'}"
        return
    with empty_schema(POSTGRES) as url:
        yield url


def copy_database(source: Engine, url: str) -> None:
    """All rows of the own database as they are now, in another one."""
    target = db.open_database(url)
    db.migrate(target)
    with db.reading(source) as old, db.writing(target) as new:
        new.execute(delete(tables.audit_head))
        for table in tables.metadata.sorted_tables:
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows:
                new.execute(insert(table), rows)
        if target.dialect.name == "postgresql":
            count = "(SELECT max(id) FROM approvals)"
            new.execute(text(f"SELECT setval('approvals_id_seq', {count})"))
    target.dispose()


@contextmanager
def restored(floor: Floor, url: str) -> Iterator[Floor]:
    """The same works with the restored database; the executor keeps its state folder."""
    engine = db.open_database(url)
    other = open_floor(floor.folder, url, engine, floor.plc)
    other.processes = floor.processes
    other.configure()
    yield other
    engine.dispose()


def test_what_was_approved_before_the_backup_is_not_done_again(floor: Floor, backup: str) -> None:
    process = floor.start()
    process.wait_until_ready()
    process.tell_to_stop()
    assert process.wait() == 0
    record = floor.ready()
    copy_database(floor.engine, backup)
    process = floor.start()
    floor.wait_for(record, State.VERIFIED)
    process.tell_to_stop()
    assert process.wait() == 0
    floor.plc.order(values={"M-1.speed_setpoint": 1000.0})
    with restored(floor, backup) as other:
        process = other.start()
        wait_for_text(process, "the database was restored or rewritten")
        wait_for_text(process, f"in doubt: #{record.number}")
        assert other.state(record) is State.READY
        assert other.written() == [1050.0]

        said = other.command("accept-restore", "--by", "boss", "--reason", "disk was replaced")
        assert f"#{record.number} expired" in said
        process.wait_until_ready()
        assert other.state(record) is State.EXPIRED
        assert other.written() == [1050.0]
        (row,) = [row for row in audit_rows(other.engine) if row["kind"] == "executor.restored"]
        assert str(row["actor"]).startswith("os:")
        assert row["data"]["by"] == "boss"

        later = other.ready(1100.0)
        other.wait_for(later, State.VERIFIED)
        assert other.execution(later).token > floor.execution(record).token
        assert other.written() == [1050.0, 1100.0]
        other.check(earlier_writes=1)


def test_a_lost_state_folder_counts_as_a_restore(floor: Floor) -> None:
    process = floor.start()
    process.wait_until_ready()
    process.kill()
    record = floor.ready()
    shutil.rmtree(floor.folder / "state")
    process = floor.start()
    wait_for_text(process, "the database was restored or rewritten")
    assert floor.state(record) is State.READY
    floor.command("accept-restore", "--by", "boss", "--reason", "new machine")
    process.wait_until_ready()
    assert floor.state(record) is State.EXPIRED
    assert floor.written() == []
    floor.check()


def test_while_it_runs_a_restore_stops_it_too(floor: Floor) -> None:
    process = floor.start()
    process.wait_until_ready()
    mark = floor.folder / "state" / "watermark.json"
    mark.write_text(mark.read_text().replace('"hash": "', '"hash": "f'), encoding="utf-8")
    record = floor.ready()
    wait_for_text(process, "the database was restored or rewritten")
    assert floor.state(record) is State.READY
    assert floor.written() == []
    floor.check()
