"""SQL databases of the plant: opening one, checking its tables, reading records in limited time.

SQLite files are opened read-only; PostgreSQL (and anything else SQLAlchemy speaks) by its URL. Each
query uses a connection of its own, so that a restarted server is found again without ceremony.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, NullPool, Row, Select, create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from copilot_tools.errors import Failed, Unavailable
from copilot_tools.sources.tables import metadata

CONNECT_S = 2
STATEMENT_S = 2.5
ANSWER_S = 3.0

T = TypeVar("T")


class PlantDatabaseError(Exception):
    """The plant database cannot be used as configured; the message says why and how to mend it."""


def connect(url: str) -> Engine:
    """An engine that connects when it is first asked; raises PlantDatabaseError.

    A wrong address or a missing file shows here, all else in `check_tables` or the first query.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        if parsed.get_backend_name() == "postgresql":
            return _postgresql(parsed)
        return create_engine(parsed, poolclass=NullPool)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise PlantDatabaseError(
            f"no driver for {parsed.drivername!r} is installed ({error})"
        ) from None
    except (ArgumentError, ValueError):
        raise PlantDatabaseError(
            "the address of the plant database is not a database URL; write for example "
            "sqlite:////var/lib/plant/plant.db or postgresql://user:password@host/plant"
        ) from None


def check_tables(engine: Engine) -> None:
    """Reach the database and look for its tables; raises PlantDatabaseError that names the gaps."""
    where = engine.url.render_as_string(hide_password=True)
    try:
        inspector = inspect(engine)
        present = {*inspector.get_table_names(), *inspector.get_view_names()}
        columns = {
            name: {column["name"] for column in inspector.get_columns(name)}
            for name in metadata.tables
            if name in present
        }
    except SQLAlchemyError as error:
        raise PlantDatabaseError(
            f"the plant database {where} cannot be opened: {_reason(error)}"
        ) from error
    missing = [name for name in metadata.tables if name not in present]
    missing += [
        f"{name}.{column.name}"
        for name, found in columns.items()
        for column in metadata.tables[name].columns
        if column.name not in found
    ]
    if missing:
        raise PlantDatabaseError(
            f"the plant database {where} lacks {', '.join(missing)}; "
            "docs/plant-database.md describes the tables and views it must have"
        )


class Reader:
    """Reads one system's records; a silent or broken database is Unavailable within 3 s."""

    def __init__(self, engine: Engine, system: str) -> None:
        self._engine = engine
        self._system = system
        self._answered: datetime | None = None

    async def read(self, query: Select[Any], record: Callable[[Row[Any]], T]) -> list[T]:
        """The rows of a query as records; raises Unavailable, or Failed for a row out of form."""
        try:
            async with asyncio.timeout(ANSWER_S):
                records = await asyncio.to_thread(self._read, query, record)
        except TimeoutError:
            raise Unavailable(
                self._system, f"no answer within {ANSWER_S:g} s", self._answered
            ) from None
        except SQLAlchemyError as error:
            raise Unavailable(self._system, _reason(error), self._answered) from error
        except (ValueError, TypeError) as error:
            raise Failed(
                f"{self._system} holds a record that is not as docs/plant-database.md says: {error}"
            ) from error
        self._answered = datetime.now(UTC)
        return records

    def _read(self, query: Select[Any], record: Callable[[Row[Any]], T]) -> list[T]:
        with self._engine.connect() as connection:
            return [record(row) for row in connection.execute(query)]


def from_utc(moment: datetime) -> datetime:
    """An aware time as the tables store it: UTC without offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def to_utc(stored: datetime) -> datetime:
    """A stored time as an aware one."""
    return stored.replace(tzinfo=UTC)


def to_utc_or_none(stored: datetime | None) -> datetime | None:
    """A stored time that may be empty."""
    return None if stored is None else stored.replace(tzinfo=UTC)


def texts(stored: Sequence[str]) -> tuple[str, ...]:
    """A JSON array of texts; raises ValueError for any other JSON."""
    if not isinstance(stored, list) or not all(isinstance(item, str) for item in stored):
        raise ValueError(f"{stored!r} is not an array of texts")
    return tuple(stored)


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise PlantDatabaseError("the plant database must be a file: sqlite:////path/to/plant.db")
    path = Path(url.database)
    if not path.is_file():
        raise PlantDatabaseError(f"there is no plant database at {path}; check the path")
    read_only = url.set(
        database=path.resolve().as_uri(), query={**url.query, "mode": "ro", "uri": "true"}
    )
    return create_engine(read_only, poolclass=NullPool, connect_args={"timeout": CONNECT_S})


def _postgresql(url: URL) -> Engine:
    own = f"-c statement_timeout={int(STATEMENT_S * 1000)} -c default_transaction_read_only=on"
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "connect_timeout": CONNECT_S,
            "tcp_user_timeout": int(STATEMENT_S * 1000),
            "options": f"{url.query.get('options', '')} {own}".strip(),
        },
    )


def _reason(error: SQLAlchemyError) -> str:
    """The driver's own words in one line."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[0] if lines else type(cause).__name__
