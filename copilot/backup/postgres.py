"""Copies of the own database in PostgreSQL, by pg_dump and pg_restore of its schema."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import URL

from copilot.db import reading, writing
from copilot_tools.errors import Failed, Unavailable

DATABASE = "the copilot's own database"


def copy(engine: Engine, target: Path) -> None:
    """A consistent copy of the schema; raises Failed without pg_dump, Unavailable."""
    schema = f"--schema={_schema(engine)}"
    options = ("--format=custom", "--no-owner", "--no-privileges", schema, f"--file={target}")
    _run("pg_dump", engine.url, *options)


def has_tables(engine: Engine) -> bool:
    """Whether there is anything that a restore would replace."""
    with reading(engine) as connection:
        return bool(inspect(connection).get_table_names())


def put_back(engine: Engine, copy: Path, aside: str) -> None:
    """Put a copy into the schema; what is there is kept as the schema `aside`.

    Raises Failed without pg_restore, or when it does not work: then all is as it was.
    """
    _find("pg_restore")
    schema, moved = _schema(engine), has_tables(engine)
    quote = engine.dialect.identifier_preparer.quote
    if moved:
        with writing(engine) as connection:
            connection.execute(text(f"ALTER SCHEMA {quote(schema)} RENAME TO {quote(aside)}"))
            connection.execute(text(f"CREATE SCHEMA {quote(schema)}"))
    options = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    try:
        _run("pg_restore", engine.url, *options, f"--schema={schema}", str(copy))
    except (Failed, Unavailable):
        if moved:
            with engine.begin() as connection:
                connection.execute(text(f"DROP SCHEMA {quote(schema)} CASCADE"))
                connection.execute(text(f"ALTER SCHEMA {quote(aside)} RENAME TO {quote(schema)}"))
        raise


def _schema(engine: Engine) -> str:
    with reading(engine) as connection:
        found = connection.execute(text("SELECT current_schema()")).scalar_one_or_none()
    if found is None:
        raise Failed(f"{DATABASE} has no schema on the search path")
    return str(found)


def _find(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Failed(f"{program} is not on this machine; install PostgreSQL's client programs")
    return path


def _run(program: str, url: URL, *options: str) -> None:
    """Run a program of PostgreSQL; the password goes by the environment, never by the arguments."""
    bare = url.difference_update_query(["options"]).set(drivername="postgresql", password=None)
    where = f"--dbname={bare.render_as_string(hide_password=False)}"
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    done = subprocess.run(
        [_find(program), where, *options], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr]
        raise Unavailable(DATABASE, said[0].strip() or f"{program} ended with {done.returncode}")
