"""The web application over real parts: a database, a plant in files, a desk; only the model and
the telemetry follow a script.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from account_fixture import PASSWORD, cheap
from fastapi import FastAPI
from planner_fixture import ScriptedPlanner
from sqlalchemy import Engine, create_engine, insert

from copilot.accounts.accounts import Accounts
from copilot.accounts.step_up import StepUps
from copilot.actor import Role
from copilot.agent import Agent
from copilot.app import Copilot
from copilot.approvals.desk import Desk
from copilot.conversations import Conversations
from copilot.gate import Gate
from copilot.policy.policy import Policy
from copilot.settings import ChangeSettings, Settings, WebSettings
from copilot.web.application import create_application
from copilot.web.services import Services, open_services
from copilot_knowledge.library import Library
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quality, Value
from copilot_tools.plant import Plant
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Node
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources import tables as plant_tables
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.plant_sql import SqlAlarmJournal, SqlErp, SqlInspections
from copilot_tools.sources.protocols import AlarmState, Reading
from copilot_tools.sources.sql import connect

HOST = "http://127.0.0.1:8180"
NOON = datetime(2026, 11, 21, 11, tzinfo=UTC)

WORKS = """\
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
[[line]]
id = "L1"
name = "Line 1"
ideal_rate = 100
[[asset]]
id = "M-1"
name = "Mixer"
kind = "mixer"
area = "N"
line = "L1"
state = "s=M-1.state"
lockout = "s=M-1.lockout"
[[asset.signal]]
name = "motor current"
node = "s=M-1.current"
unit = "A"
normal = [10.0, 20.0]
[[asset.setpoint]]
name = "speed"
node = "s=M-1.speed"
unit = "rpm"
bounds = [500.0, 1500.0]
max_step = 200.0
resolution = 1.0
tolerance = 2.0
writable = true
[[asset.component]]
name = "DE bearing"
part = "BRG-6309"
[[asset.alarm]]
id = "ALM-1"
message = "high current"
severity = "high"
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

PEOPLE: Mapping[str, tuple[Role, tuple[str, ...]]] = {
    "olga": (Role.OPERATOR, ("N",)),
    "tina": (Role.TECHNICIAN, ("N", "S")),
    "sara": (Role.SUPERVISOR, ("N",)),
    "sven": (Role.SUPERVISOR, ("S",)),
    "emil": (Role.ENGINEER, ("*",)),
    "root": (Role.ADMIN, ("*",)),
}

SCRIPT: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "how is the mixer?": [{"tool": "read_signals", "asset": "M-1"}],
    "set the mixer to 1050 rpm": [
        {"tool": "write_setpoint", "asset": "M-1", "setpoint": "speed", "value": 1050}
    ],
    "hello": [{"tool": "reply", "kind": "greeting"}],
}


class Clock:
    """The plant's time; it only moves when told to."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **length: float) -> None:
        self.at += timedelta(**length)


@dataclass(slots=True)
class LiveWorks:
    """The live plant: what each node shows now, and which alarms stand."""

    clock: Clock
    shown: dict[str, Value] = field(
        default_factory=lambda: {
            "s=M-1.state": "running",
            "s=M-1.lockout": False,
            "s=M-1.current": 15.5,
            "s=M-1.speed": 1000.0,
            "s=P-2.state": "running",
            "s=P-2.lockout": False,
            "s=P-2.speed": 900.0,
        }
    )
    alarms: list[AlarmState] = field(default_factory=list)
    reads: int = 0
    dead: bool = False

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        self.reads += 1
        self._live_or_not()
        return [self._reading(node) for node in nodes]

    async def standing(self) -> list[AlarmState]:
        self._live_or_not()
        return list(self.alarms)

    async def close(self) -> None:
        return None

    def _live_or_not(self) -> None:
        if self.dead:
            raise Unavailable("the controllers", "no answer", self.clock())

    def _reading(self, node: Node) -> Reading:
        value = self.shown.get(node.identifier)
        quality = Quality.GOOD if value is not None else Quality.BAD
        return Reading(node, value, quality, self.clock(), "Good" if value is not None else "Bad")


@dataclass(slots=True)
class Works:
    """The application, its services, and the plant behind it; `client` is a browser."""

    app: FastAPI
    services: Services
    clock: Clock
    live: LiveWorks
    planner: ScriptedPlanner
    plant_url: str
    stack: AsyncExitStack

    async def client(self, name: str = "", **headers: str) -> httpx2.AsyncClient:
        """A browser on a machine of its own; signed in with a password when named."""
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url=HOST,
            headers={"Accept": "text/html", "User-Agent": "test browser", **headers},
        )
        await self.stack.enter_async_context(client)
        if name:
            sent = await client.post("/sign-in", data={"name": name, "password": PASSWORD})
            assert sent.status_code == 303, sent.text
            client.headers["X-CSRF-Token"] = self.csrf(client)
        return client

    def csrf(self, client: httpx2.AsyncClient) -> str:
        """What a page of this browser's session would carry."""
        from copilot.web.access import COOKIE, form_secret

        return form_secret(client.cookies[COOKIE])

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Rows of ERP, CMMS, journal or quality; plant_fixture makes them."""
        writer = create_engine(self.plant_url)
        with writer.begin() as connection:
            connection.execute(insert(plant_tables.metadata.tables[table]), list(rows))
        writer.dispose()


def build_plant(folder: Path, clock: Clock, live: LiveWorks) -> tuple[Plant, str]:
    """The plant of the works, and the URL of its database."""
    url = f"sqlite:///{folder / 'plant.db'}"
    writer = create_engine(url)
    plant_tables.metadata.create_all(writer)
    writer.dispose()
    engine = connect(url)
    site = parse_site(WORKS)
    for name in ("images", "manuals", "history"):
        (folder / name).mkdir()
    plant = Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=live,
        history=ParquetHistory(folder / "history"),
        alarms=live,
        journal=SqlAlarmJournal(engine),
        erp=SqlErp(engine),
        inspections=SqlInspections(engine, folder / "images"),
        library=Library.open(folder / "manuals", folder / "library.db"),
        now=clock,
    )
    return plant, url


@asynccontextmanager
async def open_works(
    engine: Engine, folder: Path, guests: tuple[str, ...] = (), web: WebSettings | None = None
) -> AsyncIterator[Works]:
    """The works with all its people, its application started."""
    clock = Clock()
    live = LiveWorks(clock)
    plant, url = build_plant(folder, clock, live)
    accounts = Accounts(engine, plant.site, clock, cheap())
    for name, (role, areas) in PEOPLE.items():
        accounts.add(name, role, areas, PASSWORD, by="root")
    changes = ChangeSettings(mode="propose")
    step_ups = StepUps(engine, accounts, clock, changes.step_up_s)
    policy = Policy.load(None, plant.site)
    desk = Desk(engine, plant.site, policy, accounts, step_ups, changes, clock)
    planner = ScriptedPlanner(SCRIPT)
    conversations = Conversations(engine, clock)
    gate = Gate(plant, desk, changes, clock)
    agent = Agent(plant, CATALOGUE, planner, conversations, gate)
    copilot = Copilot(agent, plant, planner, conversations, engine, desk)
    settings = Settings(
        plant=folder / "plant.toml",
        images=folder / "images",
        manuals=folder / "manuals",
        changes=changes,
        web=web or WebSettings(),
    )
    services = open_services(settings, copilot, guests)
    app = create_application(services)
    async with AsyncExitStack() as stack, app.router.lifespan_context(app):
        yield Works(app, services, clock, live, planner, url, stack)


@pytest.fixture
async def works(own_engine: Engine, tmp_path: Path) -> AsyncIterator[Works]:
    """The works on SQLite, and on PostgreSQL where one is offered."""
    async with open_works(own_engine, tmp_path) as opened:
        yield opened
