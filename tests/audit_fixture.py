"""A signer with its key in a folder, and the log as its database's owner may alter it."""

from datetime import UTC, datetime
from pathlib import Path

from faults.append_only import unlocked
from sqlalchemy import Engine, text

from copilot.audit.settings import CheckpointSettings
from copilot.audit.signer import Signer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def open_signer(engine: Engine, folder: Path, **settings: object) -> Signer:
    """A signer that signs every ten rows unless told otherwise."""
    content = {"key": folder / "audit.key", "every_rows": 10, **settings}
    return Signer(engine, CheckpointSettings.model_validate(content), "works", lambda: NOW)


def alter(engine: Engine, statement: str) -> None:
    """Run a statement that the append-only tables would refuse."""
    with unlocked(engine) as connection:
        connection.execute(text(statement))
