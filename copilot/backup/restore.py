"""Puts a backup back: checked first, nothing overwritten, what was there moved aside.

The database is then an old one: sessions are ended in it, and the executor, which remembers how far
the newer one was, carries nothing out until a person has looked (docs/executor.md).
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, update

from copilot import db, revisions, tables
from copilot.audit.log import Entry, append
from copilot.backup import models, postgres, sqlite
from copilot.backup.archive import Manifest, digest_of, unpack
from copilot.backup.backup import (
    CONFIGURATION,
    DATABASE,
    MODELS,
    PLANT,
    POLICY,
    Progress,
    sqlite_file,
)
from copilot.settings import Settings
from copilot_tools.errors import Failed


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: when the backup was made, and each thing it did in words."""

    made: str
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part of the backup goes to; `now` names what is moved aside."""

    settings: Settings
    config: Path
    replace: bool
    now: datetime

    def aside(self, path: Path, what: str = "before") -> Path:
        return path.with_name(f"{path.name}.{what}-{self.now.astimezone(UTC):%Y%m%dT%H%M%SZ}")

    def files(self, folder: Path) -> Iterator[tuple[Path, Path]]:
        """Each file of the configuration with the place it has here."""
        yield folder / CONFIGURATION, self.config
        yield folder / PLANT, self.settings.plant
        if self.settings.changes.policy is not None:
            yield folder / POLICY, self.settings.changes.policy


def restore(
    file: Path,
    settings: Settings,
    config: Path,
    now: datetime,
    progress: Progress,
    *,
    by: str,
    replace: bool = False,
) -> Restored:
    """Restore `file`; `by` is who does so. Raises Failed or Unavailable, having changed nothing,
    or Failed where all but the models is restored.

    Only with `replace` does anything take the place of what is there.
    """
    place = _Place(settings, config, replace, now)
    engine = db.open_database(settings.database.own)
    parent = sqlite_file(engine)
    try:
        near = parent.parent if parent and parent.parent.is_dir() else None
        with TemporaryDirectory(dir=near, prefix=".restore-") as name:
            folder = Path(name)
            progress("Checking", 0.0)
            manifest = unpack(file, folder)
            _check(manifest, engine, replace)
            progress("Checking", 1.0)
            says = [_put_database_back(engine, folder / DATABASE, place)]
            says += [said for part, to in place.files(folder) if (said := _put(part, to, place))]
            _settle(engine, manifest, by, now)
            says += _put_models_back(folder / MODELS, place)
    finally:
        engine.dispose()
    return Restored(manifest.made, tuple(says))


def bring_configuration(file: Path, to: Path) -> bool:
    """Write the backup's copilot.toml, which says where all else goes; False where it has none."""
    with TemporaryDirectory(prefix=".restore-") as name:
        folder = Path(name)
        unpack(file, folder)
        part = folder / CONFIGURATION
        if not part.is_file():
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(part, to)
        to.chmod(0o600)
    return True


def _check(manifest: Manifest, engine: Engine, replace: bool) -> None:
    """Raise Failed where the backup does not fit here."""
    here = engine.url.get_backend_name()
    if manifest.backend != here:
        raise Failed(f"the backup is one of {manifest.backend}, the database here is {here}")
    if manifest.revision > revisions.newest():
        raise Failed(f"the backup was made by a newer version ({manifest.version})")
    file = sqlite_file(engine)
    there = file.exists() if file else postgres.has_tables(engine)
    if there and not replace:
        raise Failed("there is a database already; --replace moves it aside")


def _put_database_back(engine: Engine, copy: Path, place: _Place) -> str:
    file = sqlite_file(engine)
    if file is not None:
        aside = place.aside(file)
        there = file.exists()
        sqlite.put_back(copy, file, aside)
        return f"the database is back in {file}" + (f"; the old one is {aside}" if there else "")
    schema = f"before_{place.now.astimezone(UTC):%Y%m%dt%H%M%Sz}"
    there = postgres.has_tables(engine)
    postgres.put_back(engine, copy, schema)
    engine.dispose()
    kept = f"; the old one is the schema {schema}" if there else ""
    return f"the database is back{kept}; run deploy/postgres-roles.sql again"


def _put(part: Path, to: Path, place: _Place) -> str:
    """Put one file of the configuration to its place; what was done, in words."""
    if not part.is_file():
        return ""
    if to.exists():
        if digest_of(to) == digest_of(part):
            return ""
        if not place.replace or part.name == CONFIGURATION:
            kept = to.with_name(f"{to.name}.from-backup")
            shutil.copyfile(part, kept)
            kept.chmod(0o600)
            return f"{to} differs from the backup's, which is in {kept}; it was left as it is"
        aside = place.aside(to)
        to.replace(aside)
        shutil.copyfile(part, to)
        return f"{to} is the backup's; the old one is {aside}"
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(part, to)
    return f"{to} is the backup's"


def _put_models_back(part: Path, place: _Place) -> list[str]:
    if not part.is_file():
        return []
    root = place.settings.health.models
    kept = place.aside(root, "from-backup")
    try:
        said = models.put_back(part, root, place.aside(root), kept, replace=place.replace)
    except Failed as error:
        raise Failed(f"database and configuration are restored, but {error}") from None
    return [said] if said else []


def _settle(engine: Engine, manifest: Manifest, by: str, now: datetime) -> None:
    """Bring the tables up to date, end every session, and put the restore on record."""
    db.migrate(engine)
    with db.writing(engine) as connection:
        sessions = update(tables.sessions).where(tables.sessions.c.revoked.is_(None))
        connection.execute(sessions.values(revoked=db.stamp(now)))
        data = {"made": manifest.made, "version": manifest.version}
        append(connection, Entry("backup.restored", by, "", data), now)
