"""What the killed processes were doing: a desk that files and approves, an executor that writes."""

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts
from copilot.accounts.passwords import Passwords
from copilot.accounts.step_up import StepUps
from copilot.actor import EVERYWHERE, Actor, Role
from copilot.approvals import store
from copilot.approvals.desk import Desk
from copilot.approvals.states import BEFORE_EXECUTION, UNDECIDED, State
from copilot.approvals.store import Record
from copilot.audit.settings import CheckpointSettings
from copilot.db import migrate, open_database, reading
from copilot.executor.clock import Clock
from copilot.executor.process import run as work
from copilot.executor.settings import ExecutorDatabases, ExecutorSettings
from copilot.policy.policy import Policy
from copilot.proposal import Proposal, Provenance
from copilot.settings import ChangeSettings, OpcUaSettings
from copilot_evals.crash_plant import SITE
from copilot_tools.changes import Change, Target
from copilot_tools.plant import Plant
from copilot_tools.plant_state import Observation, observe, preconditions
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Setpoint, Site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.opcua import OpcUaTelemetry
from copilot_tools.sources.opcua_alarms import OpcUaAlarms

PASSWORD = "a long password"
OLGA = Actor("olga", Role.OPERATOR, "olga", (EVERYWHERE,), authenticated=True)
TTL = timedelta(minutes=25)


@dataclass(frozen=True, slots=True)
class Works:
    """Where everything lies; every process opens it anew."""

    folder: Path
    port: int

    @property
    def own(self) -> str:
        """The own database."""
        return f"sqlite:///{self.folder / 'own.db'}"

    @property
    def acknowledged(self) -> Path:
        """The keys of proposals whose filing was answered, one a line."""
        return self.folder / "acknowledged"

    def settings(self) -> ExecutorSettings:
        """An executor that looks often and waits briefly, so that a round is short."""
        return ExecutorSettings(
            plant=self.folder / "plant.toml",
            state=self.folder / "state",
            database=ExecutorDatabases(own=self.own, erp=f"sqlite:///{self.folder / 'erp.db'}"),
            opcua=OpcUaSettings(url=self.url, timeout_s=0.25),
            audit=CheckpointSettings(key=self.folder / "audit.key", every_rows=200),
            poll_s=0.05,
            lease_s=0.8,
            observe_s=0.15,
        )

    @property
    def url(self) -> str:
        """The controller's."""
        return f"opc.tcp://127.0.0.1:{self.port}/"


def prepare(works: Works) -> None:
    """The plant model, the tables and two people."""
    (works.folder / "plant.toml").write_text(SITE, encoding="utf-8")
    engine = open_database(works.own)
    migrate(engine)
    accounts = _accounts(engine, parse_site(SITE))
    accounts.add("olga", Role.OPERATOR, [EVERYWHERE], PASSWORD, by="system")
    accounts.add("boss", Role.SUPERVISOR, [EVERYWHERE], PASSWORD, by="system")
    engine.dispose()


def file_and_approve(works: Works, number: int) -> None:
    """One new proposal on every tag where none is open, each agreed to; safe to repeat.

    `number` numbers the visit to the desk: its proposals have keys and values of their own.
    """
    site = parse_site(SITE)
    engine = open_database(works.own)
    accounts = _accounts(engine, site)
    step_ups = StepUps(engine, accounts, utc_now, 60.0)
    settings = ChangeSettings(mode="propose")
    policy = Policy.load(None, site)
    desk = Desk(engine, site, policy, accounts, step_ups, settings, utc_now)
    (asset,) = site.assets.values()
    seen = asyncio.run(_observe(works, site, asset.setpoints))
    for setpoint in asset.setpoints:
        observed = seen[setpoint.id]
        record = _file(desk, engine, works, setpoint, observed, number)
        if record is not None and record.state in UNDECIDED:
            nonce = step_ups.issue("boss", PASSWORD, record.payload_hash, "approve")
            desk.approve(record.number, "boss", nonce, "fine", observed)
    engine.dispose()


def carry_out(works: Works, rounds_end: bool = False) -> None:
    """An executor; it works until it is killed, or, at the end of the rounds, until all is done."""
    logging.disable(logging.CRITICAL)
    asyncio.run(_carry_out(works, rounds_end))


async def _carry_out(works: Works, rounds_end: bool) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(work(works.settings(), stop, Clock(), lambda _text: None))
    if rounds_end:
        await asyncio.to_thread(_wait_until_done, works)
        stop.set()
    await working


def _wait_until_done(works: Works) -> None:
    engine = open_database(works.own)
    while _left(engine):
        time.sleep(0.2)
    engine.dispose()


def _left(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(store.find(connection, (State.READY, State.EXECUTING)))


def _file(
    desk: Desk,
    engine: Engine,
    works: Works,
    setpoint: Setpoint,
    observed: Observation,
    number: int,
) -> Record | None:
    """The open proposal of a tag, else a new one; None while one is being carried out."""
    with reading(engine) as connection:
        open_one = store.open_on(connection, f"setpoint:{setpoint.id}")
    if open_one is not None:
        return open_one if open_one.state in BEFORE_EXECUTION else None
    if observed.live is None or not isinstance(observed.live.value, float):
        return None
    old, key = observed.live.value, f"{setpoint.id} {number}"
    proposal = Proposal(
        id=uuid4().hex,
        change=_change(setpoint, observed, old, number),
        proposer=OLGA.name,
        person=OLGA.person,
        conversation="",
        created=utc_now(),
        expires=utc_now() + TTL,
        provenance={"value": Provenance.USER},
    )
    record = desk.submit(OLGA, proposal, key, observed)
    with works.acknowledged.open("a", encoding="utf-8") as file:
        file.write(f"{key}\n")
    return record


def _change(setpoint: Setpoint, observed: Observation, old: float, number: int) -> Change:
    new = 1001.0 + number
    target = Target("setpoint", setpoint.id, setpoint.asset, setpoint.node, setpoint.handshake)
    change = Change(
        tool="write_setpoint",
        target=target,
        arguments={"asset": setpoint.asset, "setpoint": setpoint.name, "value": new},
        says=f"{setpoint.id} {old:g} -> {new:g} {setpoint.unit}",
        old=old,
        new=new,
        unit=setpoint.unit,
    )
    return replace(change, preconditions=preconditions(parse_site(SITE), observed))


async def _observe(
    works: Works, site: Site, setpoints: tuple[Setpoint, ...]
) -> dict[str, Observation]:
    telemetry = OpcUaTelemetry(works.url)
    unused: Any = None
    plant = Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=telemetry,
        history=unused,
        alarms=OpcUaAlarms(telemetry, site),
        journal=unused,
        erp=unused,
        inspections=unused,
        library=unused,
        now=utc_now,
    )
    try:
        return {
            setpoint.id: await observe(
                plant,
                Target("setpoint", setpoint.id, setpoint.asset, setpoint.node, setpoint.handshake),
            )
            for setpoint in setpoints
        }
    finally:
        await telemetry.close()


def _accounts(engine: Engine, site: Site) -> Accounts:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return Accounts(engine, site, utc_now, Passwords(cheap))


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)
