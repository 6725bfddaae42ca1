"""The copilot's own database: its engine, its tables, and bringing it up to date."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
)

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("actor", String(120), nullable=False, index=True),
    Column("started", DateTime, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("conversation", String(32), ForeignKey("conversations.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("asked", DateTime, nullable=False),
    Column("text", Text, nullable=False),
    Column("calls", JSON, nullable=False),
    Column("mentions", JSON, nullable=False),
    Column("answer", Text, nullable=False),
)


def open_database(url: str) -> Engine:
    """The engine of the own database; nothing is opened yet. SQLite runs in WAL mode."""
    parsed = make_url(url)
    engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision; its folder is made where it is missing."""
    from alembic import command
    from alembic.config import Config

    if engine.url.get_backend_name() == "sqlite" and engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", "copilot:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def stamp(moment: datetime) -> datetime:
    """A UTC time as the tables store it: without offset."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=3000"):
        connection.execute(f"PRAGMA {pragma}")
