"""The SQL tables (or views) the copilot reads; a site maps its ERP, CMMS and journals onto them.

Only the executor writes, and only to parts, work_orders, purchase_orders, batch_holds and
change_receipts; an inspection station adds to inspections and inspection_models. Times are stored
as UTC without offset. Lists are JSON arrays. See `docs/plant-database.md`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

metadata = MetaData()

parts = Table(
    "parts",
    metadata,
    Column("number", String(40), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("unit", String(12), nullable=False),
    Column("stock", Float, nullable=False),
    Column("reserved", Float, nullable=False),
    Column("minimum", Float, nullable=False),
    Column("bin", String(20), nullable=False),
    Column("price", Float, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("lead_time_days", Integer, nullable=False),
    Column("supplier", String(80), nullable=False),
    Column("fits", JSON, nullable=False),
)

work_orders = Table(
    "work_orders",
    metadata,
    Column("number", String(20), primary_key=True),
    Column("asset", String(40), nullable=False, index=True),
    Column("title", String(200), nullable=False),
    Column("description", String(400), nullable=False, server_default=""),
    Column("kind", String(20), nullable=False),
    Column("priority", String(10), nullable=False),
    Column("status", String(12), nullable=False),
    Column("created", DateTime, nullable=False),
    Column("due", DateTime),
    Column("finished", DateTime),
    Column("component", String(80), nullable=False),
    Column("cause", String(400), nullable=False),
    Column("remedy", String(400), nullable=False),
    Column("assignee", String(80), nullable=False),
    Column("hours", Float, nullable=False),
    Column("parts", JSON, nullable=False),
)

production_orders = Table(
    "production_orders",
    metadata,
    Column("number", String(20), primary_key=True),
    Column("line", String(20), nullable=False),
    Column("product", String(80), nullable=False),
    Column("batch", String(20), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("produced", Integer, nullable=False),
    Column("status", String(12), nullable=False),
    Column("start", DateTime, nullable=False),
    Column("due", DateTime, nullable=False),
    Column("finished", DateTime),
)

purchase_orders = Table(
    "purchase_orders",
    metadata,
    Column("number", String(20), primary_key=True),
    Column("part", String(40), nullable=False),
    Column("part_name", String(120), nullable=False),
    Column("supplier", String(80), nullable=False),
    Column("quantity", Float, nullable=False),
    Column("unit", String(12), nullable=False),
    Column("status", String(12), nullable=False),
    Column("ordered", DateTime, nullable=False),
    Column("due", DateTime, nullable=False),
    Column("received", DateTime),
)

batch_holds = Table(
    "batch_holds",
    metadata,
    Column("batch", String(20), primary_key=True),
    Column("reason", String(400), nullable=False),
    Column("placed", DateTime, nullable=False),
    Column("placed_by", String(80), nullable=False),
)

# One row for every proposal that was carried out here: the same one cannot be carried out twice.
change_receipts = Table(
    "change_receipts",
    metadata,
    Column("proposal", String(32), primary_key=True),
    Column("record", String(40), nullable=False),
    Column("created", DateTime, nullable=False),
)

downtimes = Table(
    "downtimes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("line", String(20), nullable=False),
    Column("asset", String(40), nullable=False),
    Column("start", DateTime, nullable=False),
    Column("end", DateTime),
    Column("reason", String(200), nullable=False),
    Column("planned", Boolean, nullable=False),
    Index("downtimes_by_line", "line", "start"),
)

production_counts = Table(
    "production_counts",
    metadata,
    Column("line", String(20), primary_key=True),
    Column("start", DateTime, primary_key=True),
    Column("end", DateTime, nullable=False),
    Column("total", Integer, nullable=False),
    Column("good", Integer, nullable=False),
)

alarm_events = Table(
    "alarm_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("alarm", String(40), nullable=False),
    Column("asset", String(40), nullable=False),
    Column("message", String(200), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("transition", String(12), nullable=False),
    Column("time", DateTime, nullable=False, index=True),
    Column("value", Float),
    Column("unit", String(20), nullable=False),
)

inspections = Table(
    "inspections",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("line", String(20), nullable=False),
    Column("product", String(80), nullable=False),
    Column("batch", String(20), nullable=False),
    Column("time", DateTime, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("defect", String(40), nullable=False),
    Column("score", Float, nullable=False),
    Column("model", String(40), nullable=False),
    Column("image", String(200), nullable=False),
    Column("boxes", JSON, nullable=False),
    Column("distance", Float),
    Column("review", String(80), nullable=False, default="", server_default=""),
    Column("decision", String(40), nullable=False, default="", server_default=""),
    Column("decided_by", String(80), nullable=False, default="", server_default=""),
    Column("decided", DateTime),
    Index("inspections_by_line", "line", "time"),
)

# What the pictures of good parts were like when a model was trained; drift is told by it.
inspection_models = Table(
    "inspection_models",
    metadata,
    Column("model", String(40), primary_key=True),
    Column("since", DateTime, nullable=False),
    Column("accuracy", Float, nullable=False),
    Column("distances", JSON, nullable=False),
)
