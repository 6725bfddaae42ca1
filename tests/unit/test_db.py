import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine

from copilot import db
from copilot.executor.settings import load_executor_settings
from copilot.settings import SettingsError
from copilot_tools.errors import Failed
from copilot_tools.sources.sql import PlantDatabaseError, connect

EXECUTOR = """\
plant = "plant.toml"
state = "state"
[database]
own = "{url}"
erp = "sqlite:///erp.db"
[opcua]
url = "opc.tcp://plc:4840/"
"""
MALFORMED = ["postgresql//copilot:hunter2@db/own", "postgresql://copilot:p@hun:hunter2@db/own"]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("before", ["nothing", "an empty file"])
def test_a_new_sqlite_file_is_its_accounts_alone(tmp_path: Path, before: str):
    path = tmp_path / "made" / "own.db"
    if before == "an empty file":
        path.parent.mkdir()
        path.touch(mode=0o644)
    old = os.umask(0o022)
    engine = db.open_database(f"sqlite:///{path}")
    try:
        db.migrate(engine)
        with db.writing(engine) as connection:
            connection.exec_driver_sql("UPDATE audit_head SET at = at")
            assert {file.name: mode(file) for file in path.parent.iterdir()} == {
                "own.db": 0o600,
                "own.db-wal": 0o600,
                "own.db-shm": 0o600,
            }
    finally:
        os.umask(old)
        engine.dispose()


def test_a_file_that_is_there_keeps_the_mode_it_was_given(tmp_path: Path):
    path = tmp_path / "own.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    connection.close()
    path.chmod(0o660)
    engine = db.open_database(f"sqlite:///{path}")
    db.migrate(engine)
    engine.dispose()
    assert mode(path) == 0o660


def test_a_database_in_memory_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    engine: Engine = db.open_database("sqlite:///:memory:")
    db.migrate(engine)
    engine.dispose()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_address_does_not_tell_its_password(tmp_path: Path, url: str):
    with pytest.raises(Failed, match="is not a database URL") as own:
        db.open_database(url)
    with pytest.raises(PlantDatabaseError, match="is not a database URL") as plant:
        connect(url)
    (tmp_path / "executor.toml").write_text(EXECUTOR.format(url=url), encoding="utf-8")
    with pytest.raises(SettingsError, match="is not a database URL") as executor:
        load_executor_settings(tmp_path / "executor.toml")
    for found in (own, plant, executor):
        assert "hunter2" not in str(found.value)
