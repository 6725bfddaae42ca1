"""Copies of a SQLite database: taken while it is used, put back while it is not."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from copilot_tools.errors import Failed, Unavailable

PAGES = 2_000


def copy(source: Path, target: Path, progress: Callable[[float], None]) -> None:
    """A consistent copy, made while others read and write; raises Unavailable, Failed."""

    def tell(_status: int, left: int, total: int) -> None:
        progress(1.0 - left / total if total else 1.0)

    if not source.is_file():
        raise Unavailable("the copilot's own database", f"{source} is not there")
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            # One view for all steps: a writer would otherwise make the copy begin again.
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()
            old.backup(new, pages=PAGES, progress=tell)
            old.rollback()
            new.execute("PRAGMA journal_mode=DELETE")
            check(new)
    except sqlite3.Error as error:
        raise Unavailable("the copilot's own database", str(error)) from None


def put_back(copy: Path, target: Path, aside: Path) -> None:
    """Put a copy in place of a database, which is moved aside.

    Raises Failed when the copy is damaged, Unavailable while somebody uses the database.
    """
    with closing(sqlite3.connect(copy)) as connection:
        check(connection)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        _settle(target)
        target.replace(aside)
    draft = target.with_name(f"{target.name}.restoring")
    copy.replace(draft) if _same_device(copy, target.parent) else _carry(copy, draft)
    draft.chmod(0o600)
    draft.replace(target)
    _sync(target.parent)


def check(connection: sqlite3.Connection) -> None:
    """Raise Failed for a database that is damaged."""
    try:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise Failed(f"the copy of the database is damaged: {found}")


def _settle(path: Path) -> None:
    """Bring everything into the one file; that works only when nobody else has it open."""
    try:
        with closing(sqlite3.connect(path, timeout=1.0)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        why = f"{error}; stop copilot serve, chat and the executor first"
        raise Unavailable(str(path), why) from None
    except sqlite3.DatabaseError:
        return  # it is damaged: a reason to restore it


def _same_device(path: Path, folder: Path) -> bool:
    return path.stat().st_dev == folder.stat().st_dev


def _carry(source: Path, target: Path) -> None:
    with source.open("rb") as old, target.open("wb") as new:
        while block := old.read(1 << 20):
            new.write(block)
        new.flush()
        os.fsync(new.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
