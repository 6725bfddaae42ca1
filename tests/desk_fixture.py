"""A desk over a real database, with the shipped policy and accounts of every role.

The works have a north and a south area; each person's role and place stand in `PEOPLE`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from account_fixture import PASSWORD, audit_rows, cheap
from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts
from copilot.accounts.step_up import Meaning, StepUps
from copilot.actor import Actor, Role
from copilot.approvals.desk import Desk
from copilot.approvals.states import State
from copilot.approvals.store import Record, move
from copilot.audit.keys import SigningKey
from copilot.audit.verify import Verdict, verify_database
from copilot.db import reading, writing
from copilot.policy.decision import Decision
from copilot.policy.policy import Policy
from copilot.proposal import Proposal, Provenance
from copilot.settings import ChangeSettings
from copilot_tools.changes import Change, Target
from copilot_tools.facts import Quality, Value
from copilot_tools.plant_state import Observation, preconditions
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Node
from copilot_tools.sources.protocols import AlarmState, Reading

START = datetime(2026, 11, 21, 9, tzinfo=UTC)  # ten o'clock in the works, on the early shift

SITE_TEXT = """\
[site]
id = "works"
name = "Small works"
time_zone = "Europe/Berlin"
namespace = "urn:works"
[[shift]]
name = "early"
start = 06:00:00
[[shift]]
name = "late"
start = 14:00:00
[[area]]
id = "N"
name = "North"
[[area]]
id = "S"
name = "South"
[[asset]]
id = "M-1"
name = "Mixer"
kind = "mixer"
area = "N"
state = "s=M-1.state"
lockout = "s=M-1.lockout"
[[asset.setpoint]]
name = "speed"
node = "s=M-1.speed"
unit = "rpm"
bounds = [500.0, 1500.0]
max_step = 200.0
max_rate = 400.0
resolution = 1.0
tolerance = 2.0
writable = true
[[asset.setpoint]]
name = "pressure"
node = "s=M-1.pressure"
unit = "bar"
bounds = [0.5, 6.0]
max_step = 1.0
resolution = 0.1
writable = true
critical = true
[[asset.command]]
name = "stop"
node = "s=M-1.stop"
allowed = true
expects = ["stopped"]
[[asset.alarm]]
id = "ALM-1"
message = "high current"
severity = "medium"
node = "s=M-1.alarm"
[[asset]]
id = "P-2"
name = "Pump"
kind = "pump"
area = "S"
state = "s=P-2.state"
lockout = "s=P-2.lockout"
[[asset.setpoint]]
name = "speed"
node = "s=P-2.speed"
unit = "rpm"
bounds = [500.0, 1500.0]
max_step = 200.0
resolution = 1.0
tolerance = 2.0
writable = true
"""
SITE = parse_site(SITE_TEXT)

PEOPLE: Mapping[str, tuple[Role, tuple[str, ...], str, tuple[str, ...]]] = {
    # account: role, areas, person, shifts
    "olga": (Role.OPERATOR, ("N",), "olga", ()),
    "otto": (Role.OPERATOR, ("N",), "otto", ()),
    "tina": (Role.TECHNICIAN, ("N", "S"), "tina", ()),
    "sara": (Role.SUPERVISOR, ("N",), "sara", ()),
    "sara.backup": (Role.SUPERVISOR, ("N",), "sara", ()),
    "olga.boss": (Role.SUPERVISOR, ("N",), "olga", ()),
    "sven": (Role.SUPERVISOR, ("S",), "sven", ()),
    "emil": (Role.ENGINEER, ("*",), "emil", ()),
    "erna": (Role.ENGINEER, ("N",), "erna", ("early",)),
    "root": (Role.ADMIN, ("*",), "root", ()),
}

LIVE: Mapping[str, float] = {"M-1.speed": 1000.0, "M-1.pressure": 3.0, "P-2.speed": 900.0}


class Clock:
    """The time of the server; it only moves when told to."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **length: float) -> None:
        self.at += timedelta(**length)


@dataclass(slots=True)
class Office:
    """The desk and everybody around it."""

    engine: Engine
    clock: Clock
    accounts: Accounts
    step_ups: StepUps
    settings: ChangeSettings
    desk: Desk
    key: SigningKey
    live: dict[str, float] = field(default_factory=lambda: dict(LIVE))

    def under(self, policy: Policy) -> Desk:
        """The same desk with another policy in force."""
        return Desk(
            self.engine, SITE, policy, self.accounts, self.step_ups, self.settings, self.clock
        )

    def actor(self, name: str) -> Actor:
        """Somebody who has signed in."""
        with reading(self.engine) as connection:
            loaded = self.accounts.load(connection, name, self.clock())
        return replace(loaded, authenticated=True)

    def seen(self, target: Target, **other: Any) -> Observation:
        """The plant as it is now: running, not locked out, at its live values."""
        return see(target, self.clock(), self.live, **other)

    def change(self, name: str, value: float, **other: Any) -> Change:
        """A setpoint change, as a propose tool and the gate make it."""
        setpoint = SITE.setpoint(name)
        assert setpoint is not None
        target = Target("setpoint", name, setpoint.asset, setpoint.node, setpoint.handshake)
        old = self.live[name]
        change = Change(
            tool="write_setpoint",
            target=target,
            arguments={"asset": setpoint.asset, "setpoint": setpoint.name, "value": value},
            says=f"{setpoint.asset} {setpoint.name} {old:g} -> {value:g} {setpoint.unit}",
            old=old,
            new=value,
            unit=setpoint.unit,
            reason="the customer wants more",
            preconditions=preconditions(SITE, self.seen(target)),
        )
        return replace(change, **other)

    def proposal(self, name: str, change: Change, **other: Any) -> Proposal:
        """What the gate files for somebody."""
        proposal = Proposal(
            id=uuid4().hex,
            change=change,
            proposer=name,
            person=PEOPLE[name][2],
            conversation="c1",
            created=self.clock(),
            expires=self.clock() + timedelta(minutes=self.settings.ttl_minutes),
            provenance=dict.fromkeys(change.arguments, Provenance.USER),
        )
        return replace(proposal, **other)

    def file(self, change: Change, by: str = "olga", key: str = "", **other: Any) -> Record:
        """Submit a change."""
        proposal = self.proposal(by, change, **other)
        observed = self.seen(change.target, alarm=change.target.kind == "alarm")
        return self.desk.submit(self.actor(by), proposal, key or uuid4().hex, observed)

    def propose(self, name: str = "M-1.speed", value: float = 1050.0, by: str = "olga") -> Record:
        """Submit a setpoint change."""
        return self.file(self.change(name, value), by)

    def acknowledge(self, by: str = "olga") -> Record:
        """Submit an acknowledgement, which the proposer confirms himself."""
        node = SITE.alarms()[0].node
        target = Target("alarm", "ALM-1", "M-1", node)
        arguments: dict[str, Value] = {"alarm": "ALM-1", "comment": "seen"}
        says = "acknowledge ALM-1 high current on M-1"
        shown = preconditions(SITE, self.seen(target, alarm=True))
        change = Change("acknowledge_alarm", target, arguments, says, preconditions=shown)
        return self.file(change, by)

    def nonce(self, name: str, record: Record, meaning: Meaning = "approve") -> str:
        """A fresh step-up for a decision."""
        return self.step_ups.issue(name, PASSWORD, record.payload_hash, meaning)

    def approve(self, record: Record, by: str, reason: str = "looks right") -> Record:
        """Approve as somebody, with a fresh step-up."""
        observed = self.seen(record.proposal.change.target)
        return self.desk.approve(record.number, by, self.nonce(by, record), reason, observed)

    def confirm(self, record: Record, by: str) -> Record:
        """Confirm as somebody, with a fresh step-up."""
        observed = self.seen(record.proposal.change.target, alarm=True)
        nonce = self.nonce(by, record, "confirm")
        return self.desk.confirm(record.number, by, nonce, "I saw it", observed)

    def reject(self, record: Record, by: str) -> Record:
        """Reject as somebody, with a fresh step-up."""
        return self.desk.reject(record.number, by, self.nonce(by, record, "reject"), "not now")

    def revalidate(self, record: Record, desk: Desk | None = None) -> Decision:
        """What the executor is told now."""
        observed = self.seen(record.proposal.change.target, alarm=True)
        with reading(self.engine) as connection:
            return (desk or self.desk).revalidate(connection, record, observed, self.clock())

    def carry_out(self, record: Record, to: State = State.VERIFIED) -> Record:
        """What the executor does to a ready proposal, as far as the database sees it."""
        with writing(self.engine) as connection:
            taken = move(connection, record, State.EXECUTING, "executor", self.clock())
            done = move(connection, taken, to, "executor", self.clock())
        new = record.proposal.change.new
        if to is State.VERIFIED and isinstance(new, float):
            self.live[record.proposal.change.target.key] = new
        return done

    def state(self, record: Record) -> State:
        """Where a proposal stands."""
        return self.desk.get(record.number).state

    def audited(self, kind: str) -> list[dict[str, Any]]:
        """The audit rows of one kind, oldest first."""
        return [row for row in audit_rows(self.engine) if row["kind"] == kind]

    def audited_about(self, record: Record) -> list[dict[str, Any]]:
        """The audit rows about one proposal, oldest first."""
        rows = audit_rows(self.engine)
        return [row for row in rows if row["proposal"] == record.proposal.id]

    def verify(self) -> Verdict:
        """Whether the audit chain is whole."""
        return verify_database(self.engine, self.key.public_pem)


def see(
    target: Target,
    at: datetime,
    live: Mapping[str, float],
    *,
    state: str = "running",
    lockout: bool = False,
    alarm: bool = False,
) -> Observation:
    """An observation of a healthy plant, or one that differs in a single thing."""

    def read(node: Node | None, value: Value) -> Reading | None:
        return Reading(node, value, Quality.GOOD, at, "Good") if node else None

    asset = SITE.assets.get(target.asset)
    if asset is None:
        return Observation(at, target)
    alarms = [AlarmState(d, True, False, at) for d in asset.alarms if alarm]
    return Observation(
        at=at,
        target=target,
        state=read(asset.state_node, state),
        lockout=read(asset.lockout_node, lockout),
        alarms=tuple(alarms),
        live=read(target.node, live[target.key]) if target.kind == "setpoint" else None,
    )


def open_office(engine: Engine, folder: Path, **settings: Any) -> Office:
    """An office over a database that has its tables, with all its people."""
    clock = Clock()
    accounts = Accounts(engine, SITE, clock, cheap())
    for name, (role, areas, person, shifts) in PEOPLE.items():
        accounts.add(name, role, areas, PASSWORD, by="root", person=person, shifts=shifts)
    changes = ChangeSettings(mode="propose", **settings)
    step_ups = StepUps(engine, accounts, clock, changes.step_up_s)
    desk = Desk(engine, SITE, Policy.load(None, SITE), accounts, step_ups, changes, clock)
    key = SigningKey.open(folder / "audit.key")
    return Office(engine, clock, accounts, step_ups, changes, desk, key)


@pytest.fixture
def office(own_engine: Engine, tmp_path: Path) -> Office:
    """An office on SQLite, and on PostgreSQL where one is offered."""
    return open_office(own_engine, tmp_path)
