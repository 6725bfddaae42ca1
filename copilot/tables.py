"""The tables of the copilot's own database, as the newest migration leaves them."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("actor", String(120), nullable=False, index=True),
    Column("started", DateTime, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("conversation", String(32), ForeignKey("conversations.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("asked", DateTime, nullable=False),
    Column("text", Text, nullable=False),
    Column("calls", JSON, nullable=False),
    Column("mentions", JSON, nullable=False),
    Column("answer", Text, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("person", String(80), nullable=False),
    Column("role", String(20), nullable=False),
    Column("areas", JSON, nullable=False),
    Column("shifts", JSON, nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", DateTime, nullable=False),
)

step_ups = Table(
    "step_ups",
    metadata,
    Column("nonce", String(64), primary_key=True),
    Column("account", String(80), ForeignKey("accounts.name"), nullable=False),
    Column("payload_hash", String(64), nullable=False),
    Column("issued", DateTime, nullable=False),
    Column("used", DateTime),
)

OPEN_STATES = (
    "('proposed','pending_approval','approved','ready','executing','unknown')"  # as states.OPEN
)

wrong_passwords = Table(
    "wrong_passwords",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("last", DateTime, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person", String(80), nullable=False),
    Column("at", DateTime, nullable=False),
    Index("ix_refusals_person_at", "person", "at"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("key", String(80), nullable=False, unique=True),
    Column("tool", String(40), nullable=False),
    Column("target", String(200), nullable=False, index=True),
    Column("asset", String(40), nullable=False),
    Column("proposer", String(80), nullable=False, index=True),
    Column("payload", Text, nullable=False),
    Column("payload_hash", String(64), nullable=False),
    Column("state", String(24), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("approvals_needed", Integer, nullable=False),
    Column("created", DateTime, nullable=False),
    Column("expires", DateTime, nullable=False),
    Column("changed", DateTime, nullable=False),
    Column("note", Text, nullable=False),
    Index(
        "one_open_change_per_target",
        "target",
        unique=True,
        sqlite_where=text(f"state IN {OPEN_STATES}"),
        postgresql_where=text(f"state IN {OPEN_STATES}"),
    ),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("proposal", String(32), ForeignKey("proposals.id"), nullable=False),
    Column("account", String(80), nullable=False),
    Column("person", String(80), nullable=False),
    Column("meaning", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload_hash", String(64), nullable=False),
    Column("step_up", String(64), nullable=False, unique=True),
    Column("at", DateTime, nullable=False),
    Index("one_word_per_person", "proposal", "person", "meaning", unique=True),
)

executions = Table(
    "executions",
    metadata,
    Column("proposal", String(32), ForeignKey("proposals.id"), primary_key=True),
    Column("token", Integer, nullable=False),
    Column("intended", DateTime, nullable=False),
    Column("sent", DateTime),
    Column("finished", DateTime),
    Column("result", JSON, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("token", Integer, nullable=False),
    Column("expires", DateTime, nullable=False),
)

switches = Table(
    "switches",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("on", Boolean, nullable=False),
    Column("by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("row", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("proposal", String(32), nullable=False, index=True),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", String(27), nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("signature", String(128), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),  # of the cookie, which only the browser has
    Column("account", String(80), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("kind", String(10), nullable=False),  # sessions.Kind
    Column("created", DateTime, nullable=False),
    Column("seen", DateTime, nullable=False),
    Column("device", String(200), nullable=False),
    Column("revoked", DateTime),
)

passwords_due = Table(  # those that were for once
    "passwords_due",
    metadata,
    Column("account", String(80), ForeignKey("accounts.name"), primary_key=True),
)

service_tokens = Table(
    "service_tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("made_by", String(80), nullable=False),
    Column("created", DateTime, nullable=False),
    Column("expires", DateTime, nullable=False),
    Column("seen", DateTime),
    Column("revoked", DateTime),
)

badges = Table(
    "badges",
    metadata,
    Column("account", String(80), ForeignKey("accounts.name"), primary_key=True),
    Column("badge", String(64), nullable=False, unique=True),  # digest of what the reader types
    Column("pin_hash", String(200), nullable=False),
    Column("created", DateTime, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", String(200), primary_key=True),
    Column("subject", String(200), primary_key=True),
    Column("account", String(80), ForeignKey("accounts.name"), nullable=False),
    Column("created", DateTime, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation", String(32), ForeignKey("conversations.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),  # in the order of the conversation
    Column("account", String(80), nullable=False),
    Column("key", String(80), nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(10), nullable=False, index=True),  # runs.RunState
    Column("started", DateTime, nullable=False),
    Index("one_run_per_key", "account", "key", unique=True),
)

run_events = Table(
    "run_events",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("account", String(80), primary_key=True),
    Column("right", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", DateTime, nullable=False),
)

webhook_positions = Table(
    "webhook_positions",
    metadata,
    Column("hook", String(64), primary_key=True),  # the digest of its address
    Column("seq", Integer, nullable=False),  # the last audit row that it has been told of
)

predictions = Table(
    "predictions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("asset", String(80), nullable=False),
    Column("component", String(120), nullable=False),
    Column("role", String(10), nullable=False),  # predictions.Role
    Column("model", String(300), nullable=False),
    Column("day", String(10), nullable=False),  # one of each model is enough for a day
    Column("at", DateTime, nullable=False),
    Column("days", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float),  # none: more than `low`
    Index("one_prediction_a_day", "asset", "component", "role", "model", "day", unique=True),
)

behaviour_scores = Table(
    "behaviour_scores",
    metadata,
    Column("asset", String(80), primary_key=True),
    Column("model", String(300), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("role", String(10), nullable=False),  # predictions.Role
    Column("score", Float, nullable=False),  # the median of the day's running time
    Column("above", Float, nullable=False),  # the share of it that was called abnormal
)
