"""Wires a copilot from its settings; the only place that knows which parts make up the whole."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from copilot import db
from copilot.agent import Agent
from copilot.conversations import Conversations
from copilot.llm.planner import Planner
from copilot.settings import HistorySettings, OpcUaSettings, Settings
from copilot_knowledge.library import Library
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.plant import Plant
from copilot_tools.site.load import load_site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.history_sql import SqlHistory
from copilot_tools.sources.opcua import OpcUaTelemetry
from copilot_tools.sources.opcua_alarms import OpcUaAlarms
from copilot_tools.sources.plant_sql import SqlAlarmJournal, SqlErp, SqlInspections, connect
from copilot_tools.sources.protocols import History


@dataclass(frozen=True, slots=True)
class Copilot:
    """A running copilot: ask `agent`; `close` it when done."""

    agent: Agent
    plant: Plant
    planner: Planner
    conversations: Conversations
    database: Engine

    async def warm(self) -> None:
        """Get model and manuals ready, so that the first answer is as quick as later ones."""
        await asyncio.gather(self.planner.warm(), asyncio.to_thread(self.plant.library.prepare))

    async def close(self) -> None:
        """Release the connection to the plant, the model and the databases."""
        await self.plant.telemetry.close()
        await self.planner.close()
        self.database.dispose()


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def bootstrap(settings: Settings, now: Callable[[], datetime] = utc_now) -> Copilot:
    """A copilot for the site that the settings describe; raises SiteError when it has no model."""
    plant = open_plant(settings, now)
    database = db.open_database(settings.database.own)
    conversations = Conversations(database, now)
    planner = open_planner(settings)
    agent = Agent(plant, CATALOGUE, planner, conversations)
    return Copilot(agent, plant, planner, conversations, database)


def open_plant(settings: Settings, now: Callable[[], datetime] = utc_now) -> Plant:
    """The site's model and its sources; nothing is connected before it is asked."""
    site = load_site(settings.plant)
    engine = connect(settings.database.plant)
    telemetry = _telemetry(settings.opcua)
    return Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=telemetry,
        history=_history(settings.history),
        alarms=OpcUaAlarms(telemetry, site),
        journal=SqlAlarmJournal(engine),
        erp=SqlErp(engine),
        inspections=SqlInspections(engine, settings.images),
        library=Library.open(settings.manuals, settings.cache / "manuals.db"),
        now=now,
    )


def open_planner(settings: Settings) -> Planner:
    """The configured model; the embedded one is loaded at its first plan or by `warm`."""
    if settings.model.kind == "openai":
        from copilot.llm.openai_compatible import OpenAiPlanner

        return OpenAiPlanner(settings.model, CATALOGUE)
    from copilot.llm.planner import LlamaPlanner

    return LlamaPlanner(settings.model, settings.cache, CATALOGUE)


def _telemetry(opcua: OpcUaSettings) -> OpcUaTelemetry:
    password = opcua.password.get_secret_value() if opcua.password else None
    return OpcUaTelemetry(opcua.url, opcua.user, password, timeout_s=opcua.timeout_s)


def _history(history: HistorySettings) -> History:
    if history.kind == "sql":
        return SqlHistory(connect(history.url))
    return ParquetHistory(history.path)
