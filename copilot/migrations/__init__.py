"""Alembic revisions of the copilot's own database."""
