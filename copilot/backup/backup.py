"""Makes a backup: the own database and the models, each as it is at one moment, and what the
site has configured.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from copilot import db, revisions
from copilot.backup import models, postgres, sqlite
from copilot.backup.archive import Manifest, pack
from copilot.backup.secrets import without_secrets
from copilot.settings import Settings
from copilot_tools.errors import Failed

Progress = Callable[[str, float], None]

DATABASE = "database"
CONFIGURATION = "copilot.toml"
PLANT = "plant.toml"
POLICY = "policy.cedar"
MODELS = "models.tar"


def back_up(
    settings: Settings, config: Path, folder: Path, now: datetime, progress: Progress
) -> Path:
    """The path of a new backup in `folder`; raises Failed or Unavailable and leaves nothing then.

    Secrets, the audit log's signing key and the executor's state are not in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"copilot-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.gz"
    engine = db.open_database(settings.database.own)
    try:
        with TemporaryDirectory(dir=folder, prefix=".backup-") as name:
            draft = Path(name)
            _copy(engine, draft / DATABASE, lambda share: progress("Copying the database", share))
            parts = {DATABASE: draft / DATABASE, **dict(_configuration(settings, config, draft))}
            progress("Copying the models", 0.0)
            if models.copy(settings.health.models, draft / MODELS):
                parts[MODELS] = draft / MODELS
            progress("Packing", 0.0)
            pack(target, _manifest(engine, now), parts)
            progress("Packing", 1.0)
    except OSError as error:
        raise Failed(f"{folder} cannot be written to: {error}") from None
    finally:
        engine.dispose()
    return target


def sqlite_file(engine: Engine) -> Path | None:
    """The file of a SQLite database; None for any other."""
    if engine.url.get_backend_name() != "sqlite":
        return None
    if not engine.url.database or engine.url.database == ":memory:":
        raise Failed("a database in memory cannot be backed up")
    return Path(engine.url.database)


def _copy(engine: Engine, target: Path, progress: Callable[[float], None]) -> None:
    file = sqlite_file(engine)
    if file is None:
        postgres.copy(engine, target)
    else:
        sqlite.copy(file, target, progress)
    progress(1.0)


def _configuration(settings: Settings, config: Path, draft: Path) -> Iterator[tuple[str, Path]]:
    if config.is_file():
        text = without_secrets(config.read_text(encoding="utf-8"))
        if text is not None:
            (draft / CONFIGURATION).write_text(text, encoding="utf-8")
            yield CONFIGURATION, draft / CONFIGURATION
    yield PLANT, settings.plant
    if settings.changes.policy is not None:
        yield POLICY, settings.changes.policy


def _manifest(engine: Engine, now: datetime) -> Manifest:
    with db.reading(engine) as connection:
        revision = revisions.current(connection)
    return Manifest(
        made=now.astimezone(UTC).isoformat(),
        version=version("industrial-copilot"),
        backend=engine.url.get_backend_name(),
        revision=revision,
    )
