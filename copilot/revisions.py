"""Which revision of its tables a database has, and which one this version of the copilot needs."""

from functools import lru_cache

from sqlalchemy import Connection


@lru_cache
def newest() -> str:
    """The revision that `copilot.db.migrate` brings a database to."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "copilot:migrations")
    return ScriptDirectory.from_config(config).get_current_head() or ""


def current(connection: Connection) -> str:
    """The revision of a database, empty where it has no tables yet."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() or ""
