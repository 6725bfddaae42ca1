"""A realistic audit log for measurements: proposals as they live and end, with checkpoints."""

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from copilot import db
from copilot.approvals import store
from copilot.approvals.states import State
from copilot.audit.checkpoints import Checkpoint, read_file, read_stored
from copilot.audit.log import AuditRow, Entry, Head, append, read_head, read_rows
from copilot.audit.settings import CheckpointSettings
from copilot.audit.signer import Signer
from copilot.proposal import Proposal, Provenance
from copilot_tools.changes import Change, Precondition, Target
from copilot_tools.site.model import Node

START = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
LIVES = (
    (State.PENDING, State.READY, State.EXECUTING, State.VERIFIED),
    (State.PENDING, State.APPROVED, State.READY, State.EXECUTING, State.VERIFIED),
    (State.PENDING, State.READY, State.EXECUTING, State.UNKNOWN, State.RESOLVED_APPLIED),
    (State.PENDING, State.READY, State.EXECUTING, State.FAILED),
    (State.PENDING, State.REJECTED),
    (State.PENDING, State.EXPIRED),
    (State.POLICY_DENIED,),
)


@dataclass(frozen=True, slots=True)
class Log:
    """A whole log in memory: what the database holds, and what was pushed out of its reach."""

    rows: tuple[AuditRow, ...]
    checkpoints: tuple[Checkpoint, ...]
    witnesses: tuple[Checkpoint, ...]
    head: Head
    public_key: str


@contextmanager
def build_log(proposals: int = 60, seed: int = 7, every_rows: int = 20) -> Iterator[Log]:
    """The log of so many proposals, about five rows each, the newest row signed."""
    with tempfile.TemporaryDirectory() as folder:
        witness = Path(folder) / "checkpoints.jsonl"
        settings = CheckpointSettings(
            key=Path(folder) / "audit.key", every_rows=every_rows, files=(witness,)
        )
        engine = db.open_database(f"sqlite:///{folder}/own.db")
        db.migrate(engine)
        signer = Signer(engine, settings, "works", lambda: START)
        write_proposals(engine, proposals, signer.tick, seed)
        signer.sign()
        with db.reading(engine) as connection:
            yield Log(
                tuple(read_rows(connection)),
                tuple(read_stored(connection)),
                tuple(read_file(witness)),
                read_head(connection),
                signer.public_pem,
            )
        engine.dispose()


def write_proposals(
    engine: Engine, count: int, after_each: Callable[[], None], seed: int = 7
) -> None:
    """So many proposals, each with its rows in one transaction, then `after_each`."""
    choose, clock = random.Random(seed), _Clock()
    for number in range(count):
        with db.writing(engine) as connection:
            _live(connection, number, choose, clock)
        after_each()


class _Clock:
    def __init__(self) -> None:
        self._now = START

    def now(self) -> datetime:
        self._now += timedelta(seconds=7.25)
        return self._now


def _live(connection: Connection, number: int, choose: random.Random, clock: _Clock) -> None:
    """One proposal from its first row to its last."""
    record = store.add(connection, _proposal(number, choose, clock), f"k-{number}", 1, clock.now())
    for state in choose.choice(LIVES):
        if state in (State.APPROVED, State.READY):
            data = {"meaning": "approve", "reason": "fits the plan", "hash": record.payload_hash}
            entry = Entry("approval.given", "s.berg", record.proposal.id, data)
            append(connection, entry, clock.now())
        actor = "executor" if state in (State.EXECUTING, State.VERIFIED) else "s.berg"
        record = store.move(connection, record, state, actor, clock.now(), note=f"step {state}")


def _proposal(number: int, choose: random.Random, clock: _Clock) -> Proposal:
    old, new = (float(choose.randrange(700, 1400)) for _ in range(2))
    asset = f"K-{number}"
    shown = Precondition("state", asset, "state", "running", clock.now())
    change = Change(
        tool="write_setpoint",
        target=Target("setpoint", f"{asset}.speed", asset, Node("urn:works", f"s={asset}.speed")),
        arguments={"asset": asset, "setpoint": "speed", "value": new},
        says=f"{asset} speed {old:g} rpm -> {new:g} rpm",
        old=old,
        new=new,
        unit="rpm",
        reason="the line is starved",
        preconditions=(shown,),
    )
    return Proposal(
        id=f"{choose.getrandbits(128):032x}",
        change=change,
        proposer="o.klein",
        person="o.klein",
        conversation="",
        created=clock.now(),
        expires=clock.now() + timedelta(minutes=30),
        provenance={"value": Provenance.USER, "asset": Provenance.CATALOGUE},
    )
