"""Accounts, proposals, approvals, executions and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = "state IN ('proposed','pending_approval','approved','ready','executing','unknown')"
APPENDED = {  # and which rows an added one would take the place of
    "audit": "seq = NEW.seq",
    "checkpoints": "seq = NEW.seq",
    "approvals": "id = NEW.id OR step_up = NEW.step_up "
    "OR (proposal = NEW.proposal AND person = NEW.person AND meaning = NEW.meaning)",
}


def upgrade() -> None:
    """Create the tables of the write path; the audit log begins with its head."""
    _create_accounts()
    _create_proposals()
    _create_execution()
    _create_audit()
    for table, same in APPENDED.items():
        _forbid_changes(table, same)


def downgrade() -> None:
    """Drop them all; the audit log must have been exported before."""
    for table in (
        "checkpoints", "audit_head", "audit", "switches", "lease", "executions", "approvals",
        "proposals", "refusals", "wrong_passwords", "step_ups", "accounts",
    ):  # fmt: skip
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION copilot_append_only")


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("areas", sa.JSON, nullable=False),
        sa.Column("shifts", sa.JSON, nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )
    op.create_table(
        "step_ups",
        sa.Column("nonce", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(80), sa.ForeignKey("accounts.name"), nullable=False),
        sa.Column("payload_hash", sa.String(64), nullable=False),
        sa.Column("issued", sa.DateTime, nullable=False),
        sa.Column("used", sa.DateTime),
    )
    op.create_table(
        "wrong_passwords",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last", sa.DateTime, nullable=False),
    )
    op.create_table(
        "refusals",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_refusals_person_at", "refusals", ["person", "at"])


def _create_proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False, unique=True),
        sa.Column("key", sa.String(80), nullable=False, unique=True),
        sa.Column("tool", sa.String(40), nullable=False),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("asset", sa.String(40), nullable=False),
        sa.Column("proposer", sa.String(80), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("payload_hash", sa.String(64), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("approvals_needed", sa.Integer, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("expires", sa.DateTime, nullable=False),
        sa.Column("changed", sa.DateTime, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("ix_proposals_proposer", "proposals", ["proposer"])
    op.create_index("ix_proposals_target", "proposals", ["target"])
    op.create_index("ix_proposals_state", "proposals", ["state"])
    op.create_index(
        "one_open_change_per_target",
        "proposals",
        ["target"],
        unique=True,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("proposal", sa.String(32), sa.ForeignKey("proposals.id"), nullable=False),
        sa.Column("account", sa.String(80), nullable=False),
        sa.Column("person", sa.String(80), nullable=False),
        sa.Column("meaning", sa.String(12), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("payload_hash", sa.String(64), nullable=False),
        sa.Column("step_up", sa.String(64), nullable=False, unique=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    words = ["proposal", "person", "meaning"]
    op.create_index("one_word_per_person", "approvals", words, unique=True)


def _create_execution() -> None:
    op.create_table(
        "executions",
        sa.Column("proposal", sa.String(32), sa.ForeignKey("proposals.id"), primary_key=True),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("intended", sa.DateTime, nullable=False),
        sa.Column("sent", sa.DateTime),
        sa.Column("finished", sa.DateTime),
        sa.Column("result", sa.JSON, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(20), primary_key=True),
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("expires", sa.DateTime, nullable=False),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("on", sa.Boolean, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("row", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("proposal", sa.String(32), nullable=False),
    )
    op.create_index("ix_audit_proposal", "audit", ["proposal"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
    )
    genesis = {"id": 1, "seq": 0, "hash": "0" * 64, "at": "1970-01-01T00:00:00.000000Z"}
    op.bulk_insert(head, [genesis])
    op.create_table(
        "checkpoints",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )


def _forbid_changes(table: str, same: str) -> None:
    """Rows of `table` can only be added: the database refuses to change or delete one."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        # REPLACE deletes the row that is in its way without asking the trigger above.
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION copilot_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION copilot_append_only()"
    )
