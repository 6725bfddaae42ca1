"""The append-only tables as their database's owner may treat them: without their triggers."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from copilot import db

TRIGGERS = ("audit_no_update", "audit_no_delete", "checkpoints_no_update", "checkpoints_no_delete")


@contextmanager
def unlocked(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nothing keeps rows from being changed."""
    with db.writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for name in TRIGGERS:
                connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        yield connection
