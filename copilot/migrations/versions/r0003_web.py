"""Sessions, tokens, badges and identities; runs of the chat with their events and feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the web application."""
    _create_ways_in()
    _create_runs()
    op.create_table(
        "webhook_positions",
        sa.Column("hook", sa.String(64), primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Drop them all."""
    for table in (
        "webhook_positions", "feedback", "run_events", "runs", "identities", "badges",
        "service_tokens", "sessions",
        "passwords_due",
    ):  # fmt: skip
        op.drop_table(table)


def _create_ways_in() -> None:
    account = sa.Column("account", sa.String(80), sa.ForeignKey("accounts.name"), primary_key=True)
    op.create_table("passwords_due", account)
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(80), sa.ForeignKey("accounts.name"), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("seen", sa.DateTime, nullable=False),
        sa.Column("device", sa.String(200), nullable=False),
        sa.Column("revoked", sa.DateTime),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_table(
        "service_tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("made_by", sa.String(80), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("expires", sa.DateTime, nullable=False),
        sa.Column("seen", sa.DateTime),
        sa.Column("revoked", sa.DateTime),
    )
    op.create_table(
        "badges",
        sa.Column("account", sa.String(80), sa.ForeignKey("accounts.name"), primary_key=True),
        sa.Column("badge", sa.String(64), nullable=False, unique=True),
        sa.Column("pin_hash", sa.String(200), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(200), primary_key=True),
        sa.Column("subject", sa.String(200), primary_key=True),
        sa.Column("account", sa.String(80), sa.ForeignKey("accounts.name"), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation", sa.String(32), sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("account", sa.String(80), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("started", sa.DateTime, nullable=False),
    )
    op.create_index("ix_runs_conversation", "runs", ["conversation"])
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_index("one_run_per_key", "runs", ["account", "key"], unique=True)
    op.create_table(
        "run_events",
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event", sa.Text, nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("account", sa.String(80), primary_key=True),
        sa.Column("right", sa.Boolean, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
