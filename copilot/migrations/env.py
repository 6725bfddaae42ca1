"""Alembic's entry: runs on the connection that `copilot.db.migrate` hands over."""

from alembic import context

from copilot.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
