"""The tables of the library's database; another format is emptied, since files are read anew."""

import sqlite3

# Raise it whenever the same file parses, chunks or tokenises to another result.
FORMAT = 3

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE manuals (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL, title TEXT NOT NULL, revision TEXT NOT NULL, date TEXT,
    effective_from TEXT, effective_until TEXT,
    kinds TEXT NOT NULL, assets TEXT NOT NULL, models TEXT NOT NULL, roles TEXT NOT NULL,
    language TEXT NOT NULL, supersedes TEXT NOT NULL, file TEXT NOT NULL,
    unread INTEGER NOT NULL
);
CREATE TABLE pages (
    manual INTEGER NOT NULL REFERENCES manuals ON DELETE CASCADE,
    number INTEGER NOT NULL, text TEXT NOT NULL, searchable INTEGER NOT NULL,
    PRIMARY KEY (manual, number)
) WITHOUT ROWID;
CREATE TABLE sections (
    manual INTEGER NOT NULL REFERENCES manuals ON DELETE CASCADE,
    place INTEGER NOT NULL, heading TEXT NOT NULL, page INTEGER NOT NULL, path TEXT NOT NULL,
    PRIMARY KEY (manual, place)
) WITHOUT ROWID;
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    manual INTEGER NOT NULL REFERENCES manuals ON DELETE CASCADE,
    quote INTEGER NOT NULL, path TEXT NOT NULL, page INTEGER NOT NULL, text TEXT NOT NULL,
    lead TEXT NOT NULL, more INTEGER NOT NULL, tabular INTEGER NOT NULL, terms TEXT NOT NULL
);
CREATE INDEX chunks_of ON chunks (manual);
CREATE INDEX chunks_quoted ON chunks (quote);
CREATE TABLE codes (
    code TEXT NOT NULL, bare TEXT NOT NULL,
    chunk INTEGER NOT NULL REFERENCES chunks ON DELETE CASCADE, defines INTEGER NOT NULL
);
CREATE INDEX codes_spelled ON codes (code);
CREATE INDEX codes_bare ON codes (bare);
CREATE INDEX codes_of ON codes (chunk);
CREATE TABLE vectors (
    manual INTEGER PRIMARY KEY REFERENCES manuals ON DELETE CASCADE, content BLOB NOT NULL
);
CREATE TABLE refused (key TEXT PRIMARY KEY, file TEXT NOT NULL, why TEXT NOT NULL);
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Make a connection ready for use, with all tables; raises sqlite3.Error."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    connection.execute("PRAGMA defer_foreign_keys=ON")
    for (name,) in reversed(tables):
        connection.execute(f'DROP TABLE "{name}"')
    for statement in _SCHEMA.split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES ('changes', 0)")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")
