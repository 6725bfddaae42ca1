"""The copilot's own database for tests: SQLite always, PostgreSQL where one is offered."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text

from copilot import db

POSTGRES = os.environ.get("COPILOT_TEST_POSTGRES", "")


@pytest.fixture(params=["sqlite", "postgresql"])
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, for processes that open it themselves."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'own.db'}"
        return
    if not POSTGRES:
        pytest.skip("COPILOT_TEST_POSTGRES names no database")
    with empty_schema(POSTGRES) as url:
        yield url


@pytest.fixture
def own_engine(own_url: str) -> Iterator[Engine]:
    """A database with all tables."""
    engine = db.open_database(own_url)
    db.migrate(engine)
    yield engine
    engine.dispose()


@contextmanager
def empty_schema(postgres: str) -> Iterator[str]:
    """The URL of an empty schema in a PostgreSQL database; it is dropped at the end."""
    admin = create_engine(postgres)
    schema = f"own_{uuid4().hex}"
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    mark = "&" if "?" in postgres else "?"
    yield f"{postgres}{mark}options=-csearch_path%3D{schema}"
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()
