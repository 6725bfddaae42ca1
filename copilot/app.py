"""Wires a copilot from its settings; the only place that knows which parts make up the whole."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from copilot import db
from copilot.agent import Agent
from copilot.conversations import Conversations
from copilot.health.loaded import load_models
from copilot.health.predictions import PredictionBook
from copilot.health.watch.machine_watch import MachineWatch
from copilot.llm.planner import Planner
from copilot.plant import open_plant, utc_now
from copilot.ruled_planner import RuledPlanner
from copilot.settings import Settings
from copilot_tools.catalogue import ALL_TOOLS, CATALOGUE
from copilot_tools.models.registry.registry import Registry
from copilot_tools.plant import Plant

if TYPE_CHECKING:
    from copilot.approvals.desk import Desk
    from copilot.gate import Gate


@dataclass(frozen=True, slots=True)
class Copilot:
    """A running copilot: ask `agent`; `close` it when done.

    `desk` is where its proposals are filed; None where nothing may be proposed. `watch` scores the
    live readings while somebody serves pages; None where there is none.
    """

    agent: Agent
    plant: Plant
    planner: Planner
    conversations: Conversations
    database: Engine
    desk: "Desk | None" = None
    watch: MachineWatch | None = None

    async def warm(self) -> None:
        """Get models and manuals ready, so that the first answer is as quick as later ones."""
        await asyncio.gather(
            self.planner.warm(),
            asyncio.to_thread(self.plant.library.prepare),
            asyncio.to_thread(self._load_models),
        )

    def _load_models(self) -> None:
        if self.plant.models is not None:
            load_models(self.plant.models)

    async def close(self) -> None:
        """Release the connection to the plant, the model and the databases."""
        await self.plant.telemetry.close()
        await self.planner.close()
        self.database.dispose()


def bootstrap(settings: Settings, now: Callable[[], datetime] = utc_now) -> Copilot:
    """A copilot for the site that the settings describe; raises SiteError when it has no model."""
    database = db.open_database(settings.database.own)
    plant = replace(
        open_plant(settings, now),
        models=Registry(settings.health.models),
        predictions=PredictionBook(database),
    )
    watch = MachineWatch(plant, settings.watch_folder)
    plant = replace(plant, watch=watch.unlike)
    conversations = Conversations(database, now)
    planner = RuledPlanner(open_planner(settings), plant.resolver)
    desk = gate = None
    if settings.changes.mode == "propose":
        desk, gate = _open_gate(settings, plant, database)
    agent = Agent(plant, ALL_TOOLS, planner, conversations, gate)
    return Copilot(agent, plant, planner, conversations, database, desk, watch)


def _open_gate(settings: Settings, plant: Plant, database: Engine) -> "tuple[Desk, Gate]":
    """The way to proposals; what it is made of is loaded only where changes may be proposed."""
    from copilot.approvals.open_desk import open_desk
    from copilot.gate import Gate

    desk = open_desk(settings, plant.site, database, plant.now)
    return desk, Gate(plant, desk, settings.changes, plant.now)


def open_planner(settings: Settings) -> Planner:
    """The configured model; the embedded one is loaded at its first plan or by `warm`."""
    if settings.model.kind == "openai":
        from copilot.llm.openai_compatible import OpenAiPlanner

        return OpenAiPlanner(settings.model, CATALOGUE)
    from copilot.llm.planner import LlamaPlanner

    return LlamaPlanner(settings.model, settings.cache, CATALOGUE)
