"""A small works with a real controller, a desk with three people, and executors as processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from account_fixture import PASSWORD, audit_rows, cheap
from faults.changes import set_to
from faults.plc import SITE, Plc
from faults.plc_server import PASSWORD as PLC_PASSWORD
from faults.plc_server import USER
from sqlalchemy import Engine, create_engine, select

from copilot import db, tables
from copilot.accounts.accounts import Accounts
from copilot.accounts.step_up import StepUps
from copilot.actor import EVERYWHERE, Actor, Role
from copilot.approvals import store
from copilot.approvals.desk import Desk
from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.audit.verify import verify_database
from copilot.executor.settings import ExecutorSettings, load_executor_settings
from copilot.policy.policy import Policy
from copilot.proposal import Proposal, Provenance
from copilot.settings import ChangeSettings
from copilot_tools.changes import Change
from copilot_tools.plant import Plant
from copilot_tools.plant_state import Observation, observe, preconditions
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources import tables as plant_tables
from copilot_tools.sources.opcua import OpcUaTelemetry
from copilot_tools.sources.opcua_alarms import OpcUaAlarms

RUN = "from copilot.cli.executor import executor; executor()"
LONGEST_S = 40.0
OLGA = Actor("olga", Role.OPERATOR, "olga", (EVERYWHERE,), authenticated=True)

SETTINGS = """\
plant = "plant.toml"
state = "state"
poll_s = 0.1
lease_s = {lease_s}
observe_s = {observe_s}
[database]
own = "{own}"
erp = "sqlite:///erp.db"
[opcua]
url = "{opcua}"
user = "{user}"
password = "{password}"
timeout_s = 0.7
[audit]
key = "audit.key"
files = ["checkpoints.log"]
every_rows = 5
"""


@dataclass
class ExecutorProcess:
    """An executor in a process of its own."""

    popen: subprocess.Popen[str]
    log: Path

    def wait_until_ready(self) -> None:
        """Wait for "ready" on its standard output."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line == "ready\n", (line, self.popen.poll(), self.log.read_text())

    def wait_until_stopped(self) -> None:
        """Wait until it has stopped itself with SIGSTOP."""
        process = psutil.Process(self.popen.pid)
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED)

    def wait(self) -> int:
        """Wait until it has ended; its exit code."""
        return self.popen.wait(LONGEST_S)

    def go_on(self) -> None:
        """Let it go on after it was stopped."""
        self.popen.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.popen.kill()
        self.popen.wait()

    def tell_to_stop(self) -> None:
        """Ask it to end (SIGTERM)."""
        self.popen.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Kill it, when it still runs."""
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        assert self.popen.stdout is not None
        self.popen.stdout.close()


@dataclass
class Floor:
    """The works and everything that is needed to have something changed there."""

    folder: Path
    own_url: str
    engine: Engine
    plc: Plc
    site: Site
    accounts: Accounts
    step_ups: StepUps
    desk: Desk
    processes: list[ExecutorProcess] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The executor's settings file."""
        return self.folder / "executor.toml"

    def configure(
        self, opcua: str = "", own: str = "", observe_s: float = 0.6, lease_s: float = 2.5
    ) -> ExecutorSettings:
        """Write the executor's settings."""
        text = SETTINGS.format(
            own=own or self.own_url,
            opcua=opcua or self.plc.url,
            user=USER,
            password=PLC_PASSWORD,
            observe_s=observe_s,
            lease_s=lease_s,
        )
        self.config.write_text(text, encoding="utf-8")
        return load_executor_settings(self.config)

    def use(self, engine: Engine) -> None:
        """Propose and decide over another connection to the same database."""
        self.accounts, self.step_ups, self.desk = open_desk(engine, self.site)

    def observe(self, change: Change) -> Observation:
        """The plant around a change as the desk sees it."""
        return asyncio.run(self._observe(change))

    async def _observe(self, change: Change) -> Observation:
        telemetry = OpcUaTelemetry(self.plc.url)
        unused: Any = None
        plant = Plant(
            site=self.site,
            resolver=Resolver(self.site),
            telemetry=telemetry,
            history=unused,
            alarms=OpcUaAlarms(telemetry, self.site),
            journal=unused,
            erp=unused,
            inspections=unused,
            library=unused,
            now=utc_now,
        )
        try:
            return await observe(plant, change.target)
        finally:
            await telemetry.close()

    def submit(self, change: Change, ttl_s: float = 60.0) -> Record:
        """File a change as the operator."""
        observed = self.observe(change)
        shown = preconditions(self.site, observed)
        now = utc_now()
        proposal = Proposal(
            id=uuid4().hex,
            change=replace(change, preconditions=shown),
            proposer=OLGA.name,
            person=OLGA.person,
            conversation="",
            created=now,
            expires=now + timedelta(seconds=ttl_s),
            provenance=dict.fromkeys(change.arguments, Provenance.USER),
        )
        record = self.desk.submit(OLGA, proposal, uuid4().hex, observed)
        assert record.state is State.PENDING, record.note
        return record

    def approve(self, record: Record) -> Record:
        """Approve it as the supervisor."""
        nonce = self.step_ups.issue("boss", PASSWORD, record.payload_hash, "approve")
        observed = self.observe(record.proposal.change)
        return self.desk.approve(record.number, "boss", nonce, "fine", observed)

    def ready(
        self, new: float = 1050.0, old: float = 1000.0, *, name: str = "speed", ttl_s: float = 60.0
    ) -> Record:
        """A change of a setpoint of the mixer that everybody has agreed to."""
        record = self.approve(self.submit(set_to(name, new, old, self.site), ttl_s))
        assert record.state is State.READY, record.note
        return record

    def start(self, **environment: str) -> ExecutorProcess:
        """Start an executor; variables come on top of ours."""
        log = self.folder / f"executor-{len(self.processes)}.log"
        with log.open("w") as errors:
            popen = subprocess.Popen(
                [sys.executable, "-c", RUN, "run", "--config", str(self.config)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **environment},
            )
        process = ExecutorProcess(popen, log)
        self.processes.append(process)
        return process

    def command(self, *arguments: str) -> str:
        """What `copilot executor` prints for these arguments."""
        asked = [sys.executable, "-c", RUN, *arguments, "--config", str(self.config)]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=LONGEST_S)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def state(self, record: Record) -> State:
        """Where a proposal stands now."""
        return self.get(record).state

    def get(self, record: Record) -> Record:
        """A proposal as it is stored now."""
        with db.reading(self.engine) as connection:
            return store.get(connection, record.proposal.id)

    def wait_for(self, record: Record, *states: State) -> Record:
        """Wait until a proposal is in one of these states."""
        wait_until(lambda: self.state(record) in states, lambda: self._logs(record))
        return self.get(record)

    def written(self, name: str = "speed") -> list[Any]:
        """The values the controller has taken for a setpoint of the mixer."""
        return [entry["value"] for entry in self.plc.taken(f"M-1.{name}_setpoint")]

    def execution(self, record: Record) -> Any:
        """The row about the execution of a proposal; None when it was never begun."""
        where = tables.executions.c.proposal == record.proposal.id
        with db.reading(self.engine) as connection:
            return connection.execute(select(tables.executions).where(where)).one_or_none()

    def kinds(self, record: Record) -> list[str]:
        """The kinds of the audit rows about a proposal."""
        rows = audit_rows(self.engine)
        return [str(row["kind"]) for row in rows if row["proposal"] == record.proposal.id]

    def check(self, *, earlier_writes: int = 0) -> None:
        """What holds after every failure: the audit chain, and an intent for each write."""
        public = (self.folder / "audit.key.pub").read_text()
        verdict = verify_database(self.engine, public)
        assert verdict.ok, verdict.problem
        with db.reading(self.engine) as connection:
            intents = len(connection.execute(select(tables.executions)).all())
        assert len(self.plc.taken()) - earlier_writes <= intents

    def _logs(self, record: Record) -> str:
        logs = [process.log.read_text() for process in self.processes]
        return "\n".join([str(self.get(record).note), *logs])


@pytest.fixture
def floor(tmp_path: Path, own_url: str) -> Iterator[Floor]:
    """A works in which nothing has been proposed yet; its controller runs, no executor does."""
    plc = Plc(tmp_path)
    plc.start()
    (tmp_path / "plant.toml").write_text(SITE, encoding="utf-8")
    engine = db.open_database(own_url)
    db.migrate(engine)
    erp = create_engine(f"sqlite:///{tmp_path / 'erp.db'}")
    plant_tables.metadata.create_all(erp)
    erp.dispose()
    floor = open_floor(tmp_path, own_url, engine, plc)
    floor.accounts.add("olga", Role.OPERATOR, [EVERYWHERE], PASSWORD, by="system")
    floor.accounts.add("boss", Role.SUPERVISOR, [EVERYWHERE], PASSWORD, by="system")
    floor.configure()
    yield floor
    for process in floor.processes:
        process.end()
    plc.stop()
    engine.dispose()


def open_floor(folder: Path, own_url: str, engine: Engine, plc: Plc) -> Floor:
    """The works as its database has it."""
    site = parse_site(SITE)
    return Floor(folder, own_url, engine, plc, site, *open_desk(engine, site))


def open_desk(engine: Engine, site: Site) -> tuple[Accounts, StepUps, Desk]:
    """The desk of the works."""
    accounts = Accounts(engine, site, utc_now, cheap())
    step_ups = StepUps(engine, accounts, utc_now, 60.0)
    policy = Policy.load(None, site)
    changes = ChangeSettings(mode="propose")
    return (
        accounts,
        step_ups,
        Desk(engine, site, policy, accounts, step_ups, changes, utc_now),
    )


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def wait_until(true: Callable[[], bool], why: Callable[[], str] = str) -> None:
    """Wait for something to become true; how long it took is nobody's business."""
    until = time.monotonic() + LONGEST_S
    while not true():
        assert time.monotonic() < until, why()
        time.sleep(0.05)


def wait_for_text(process: ExecutorProcess, text: str) -> None:
    """Wait until an executor has logged something."""
    wait_until(lambda: text in process.log.read_text(), process.log.read_text)
