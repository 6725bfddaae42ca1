"""What training, scoring and drift reports work with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from copilot import db
from copilot.health.fleet import Fleet
from copilot.health.predictions import PredictionBook
from copilot.plant import open_plant
from copilot.settings import HealthSettings, Settings
from copilot_tools.errors import Retry
from copilot_tools.models.registry.registry import Registry
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset


@dataclass(frozen=True, slots=True)
class Workshop:
    """A plant's history and records, its models, and where the work is done."""

    plant: Plant
    registry: Registry
    book: PredictionBook
    settings: HealthSettings
    fleet: Fleet

    def assets(self, names: list[str]) -> list[Asset]:
        """The machines that people named, or all; raises Retry for one that is not there."""
        if not names:
            return list(self.plant.site.assets.values())
        return [self.plant.resolver.asset(name) for name in names]

    def assets_of(self, scope: str) -> list[Asset]:
        """The machines that a model of that scope is for."""
        kind, _, component = scope.partition("/")
        return [
            asset
            for asset in self.plant.site.assets.values()
            if asset.id == scope
            or (asset.kind == kind and any(c.name == component for c in asset.components))
        ]


@contextmanager
def open_workshop(
    settings: Settings, workers: int | None = None, scheduler: str | None = None
) -> Iterator[Workshop]:
    """The workshop of a site; the arguments win over its settings."""
    health = settings.health
    fleet = Fleet(
        health.workers if workers is None else workers,
        health.scheduler if scheduler is None else scheduler,
    )
    engine = db.open_database(settings.database.own)
    registry, book = Registry(health.models), PredictionBook(engine)
    plant = replace(open_plant(settings), models=registry, predictions=book)
    try:
        db.migrate(engine)
        yield Workshop(plant, registry, book, health, fleet)
    finally:
        plant.library.close()
        engine.dispose()


def name_of(kind: str, scope: str, registry: Registry) -> str:
    """The scope as it is called in the registry; raises Retry when there is no such model."""
    scopes = {key.scope.lower(): key.scope for key in registry.models(kind)}
    try:
        return scopes[scope.lower()]
    except KeyError:
        there = ", ".join(scopes.values()) or "none yet"
        raise Retry(f"there is no {kind} model of {scope!r}; there are: {there}") from None
