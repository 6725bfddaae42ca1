"""How many transitions a second the database takes, each synced to the disk with its audit row."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from copilot.approvals import store
from copilot.approvals.states import State
from copilot.db import migrate, open_database, writing
from copilot.proposal import Proposal, Provenance
from copilot_tools.changes import Change, Target

COUNT = 200


def transitions_per_s(path: Path) -> float:
    """Transitions per second, one after the other, in a new SQLite file with synchronous=FULL."""
    engine = open_database(f"sqlite:///{path}")
    migrate(engine)
    now = datetime.now(UTC)
    with writing(engine) as connection:
        records = [
            store.add(connection, _proposal(number, now), f"{number}", 1, now)
            for number in range(COUNT)
        ]
    began = time.monotonic()
    for record in records:
        with writing(engine) as connection:
            store.move(connection, record, State.PENDING, "policy", datetime.now(UTC))
    elapsed = time.monotonic() - began
    engine.dispose()
    return COUNT / elapsed


def _proposal(number: int, now: datetime) -> Proposal:
    change = Change("hold_batch", Target("batch", f"B-{number}"), {"batch": f"B-{number}"}, "hold")
    return Proposal(
        id=uuid4().hex,
        change=change,
        proposer="olga",
        person="olga",
        conversation="",
        created=now,
        expires=now + timedelta(minutes=30),
        provenance={"batch": Provenance.USER},
    )
