"""Puts the policy in force on record, whenever it is another one than before."""

from datetime import datetime

from sqlalchemy import Engine, select

from copilot import tables
from copilot.audit.log import Entry, append
from copilot.canonical import read_strict
from copilot.db import writing
from copilot.policy.policy import Policy, shipped

LOADED = "policy.loaded"


def record_policy(engine: Engine, policy: Policy, by: str, at: datetime) -> None:
    """Append policy, schema and the plant model's hash to the audit log, unless they stand last.

    Raises Unavailable when they cannot be recorded: what decides without a record is not used.
    """
    c = tables.audit.c
    newest = (
        select(c.row)
        .where(c.proposal == "", c.row.contains(f'"kind":"{LOADED}"'))
        .order_by(c.seq.desc())
        .limit(1)
    )
    data = {
        "policy": policy.hash,
        "policy_text": policy.text,
        "schema": policy.schema_hash,
        "schema_text": shipped("schema.cedarschema"),
        "engine": policy.engine,
        "plant_model": policy.plant_model,
    }
    with writing(engine) as connection:
        row = connection.execute(newest).scalar()
        if row is None or read_strict(row)["data"] != data:
            append(connection, Entry(LOADED, by, "", data), at)
