"""Predictions of remaining life and daily scores of behaviour, kept for the scorecard."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of what health models said."""
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("asset", sa.String(80), nullable=False),
        sa.Column("component", sa.String(120), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("days", sa.Float, nullable=False),
        sa.Column("low", sa.Float, nullable=False),
        sa.Column("high", sa.Float),
    )
    said = ["asset", "component", "role", "model", "day"]
    op.create_index("one_prediction_a_day", "predictions", said, unique=True)
    op.create_table(
        "behaviour_scores",
        sa.Column("asset", sa.String(80), primary_key=True),
        sa.Column("model", sa.String(300), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("above", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("behaviour_scores")
    op.drop_table("predictions")
