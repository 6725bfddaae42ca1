"""The copilot's own database: its engine, its transactions, and bringing it up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from copilot_tools.errors import Failed, Unavailable

SOURCE = "the copilot's own database"


def open_database(url: str) -> Engine:
    """The engine of the own database; nothing is opened yet. SQLite runs in WAL mode.

    Raises Failed for what is no database URL.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # its text would tell the password
        raise Failed(f"the address of {SOURCE} is not a database URL") from None
    engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: all of it or nothing. Raises Unavailable when it cannot commit.

    The write lock is taken at once, on PostgreSQL one for the schema, so that nothing read inside
    can change before the commit. A broken constraint passes as SQLAlchemy's IntegrityError:
    somebody else was quicker.
    """
    try:
        with engine.execution_options(writes=True).begin() as connection:
            if engine.dialect.name == "postgresql":
                _lock_postgresql(connection)
            yield connection
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError) as error:
        why = str(getattr(error, "orig", error)).partition("\n")[0]
        raise Unavailable(SOURCE, why) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database. Raises Unavailable when it does not answer."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.begin() as connection:
            yield connection
    except (SQLAlchemyError, OSError) as error:
        why = str(getattr(error, "orig", error)).partition("\n")[0]
        raise Unavailable(SOURCE, why) from error


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision; its folder and file are made where missing."""
    from alembic import command
    from alembic.config import Config

    if engine.url.get_backend_name() == "sqlite" and engine.url.database not in (None, ":memory:"):
        _make_file(Path(engine.url.database))
    config = Config()
    config.set_main_option("script_location", "copilot:migrations")
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            _lock_postgresql(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _make_file(path: Path) -> None:
    """A new SQLite file is its account's alone; SQLite makes its -wal and -shm alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    if path.stat().st_size == 0:
        path.chmod(0o600)


def stamp(moment: datetime) -> datetime:
    """A UTC time as the tables store it: without offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def unstamp(moment: datetime) -> datetime:
    """The UTC time of a stored one."""
    return moment.replace(tzinfo=UTC)


def _lock_postgresql(connection: Connection) -> None:
    # Every write ends at the head of the audit log: without one order of locks, two could deadlock.
    connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext(current_schema()))")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # We begin ourselves: the driver would take no lock to read.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=3000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
