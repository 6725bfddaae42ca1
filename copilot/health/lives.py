"""Cuts the history of like machines into the lives of their components."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from copilot_tools.cycles import Cycles, Schema, Trace, read_trace, shared_schema
from copilot_tools.lifetimes import Lifetime, lifetimes, renews
from copilot_tools.operation import measured_signals
from copilot_tools.plant import Plant
from copilot_tools.records import WorkOrder
from copilot_tools.site.model import Asset, Component, Site
from copilot_tools.timeseries import Floats, to_time

CYCLE_HOURS = (0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 24.0)
USUAL_CYCLES = 150
LEAST_CYCLES = 10

Part = tuple[Asset, Component]


@dataclass(frozen=True, slots=True)
class Life:
    """One life in cycles, ended at `end` where that is known; the rest as a model is told it."""

    unit: str
    end: datetime | None
    settings: Floats
    sensors: Floats
    failed: bool
    age_known: bool


@dataclass(frozen=True, slots=True)
class Lives:
    """The lives that a model is learnt from, and what it will have to be given."""

    scope: str
    schema: Schema
    lives: tuple[Life, ...]

    @property
    def failed(self) -> int:
        """How many ended in failure."""
        return sum(life.failed for life in self.lives)


def like_parts(site: Site, assets: Sequence[str] | None = None) -> dict[str, list[Part]]:
    """All components of a kind on machines of a kind, by scope ("pump/bearing").

    With `assets`, only the scopes that these take part in; always with all like machines.
    """
    scopes: dict[str, list[Part]] = {}
    for asset in site.assets.values():
        for component in asset.components:
            if measured_signals(asset):
                scopes.setdefault(f"{asset.kind}/{component.name}", []).append((asset, component))
    return {
        scope: parts
        for scope, parts in scopes.items()
        if assets is None or any(asset.id in assets for asset, _ in parts)
    }


async def count_renewals(plant: Plant, parts: Sequence[Part]) -> int:
    """How often some like components were made good, by finished jobs of the CMMS."""
    orders = await plant.erp.work_orders([asset.id for asset, _ in parts], None, None)
    return sum(
        order.asset == asset.id and order.finished is not None and renews(order, component)
        for asset, component in parts
        for order in orders
    )


async def gather_lives(plant: Plant, scope: str, parts: Sequence[Part], days: float) -> Lives:
    """The lives of some like components over the last `days`, by the repairs of the CMMS."""
    now = plant.now()
    begin = now - timedelta(days=days)
    orders = await plant.erp.work_orders([asset.id for asset, _ in parts], None, None)
    found: list[tuple[Part, Trace, list[Lifetime]]] = []
    for asset, component in parts:
        names = [signal.name for signal in measured_signals(asset)]
        trace = await read_trace(plant.history, asset, names, begin, now)
        own = [order for order in orders if order.asset == asset.id]
        found.append(((asset, component), trace, _lifetimes(component, own, trace)))
    schema = shared_schema([asset for asset, _ in parts], _cycle_hours(found, begin, now))
    lives = [
        life
        for (asset, _), trace, spans in found
        for life in _cut(asset, trace.cycles(schema), spans, begin, now)
    ]
    return Lives(scope, schema, tuple(lives))


def _lifetimes(component: Component, orders: list[WorkOrder], trace: Trace) -> list[Lifetime]:
    """Its lives, the limit of the wear signal told by daily medians."""
    none = np.empty(0)
    if component.wear is None or component.wear.signal not in trace.columns:
        return lifetimes(component, orders, none, none)
    daily = Schema(settings=(), sensors=(component.wear.signal,), cycle_hours=24)
    cycles = trace.cycles(daily)
    return lifetimes(component, orders, cycles.seconds, cycles.sensors[:, 0])


def _cycle_hours(
    found: Sequence[tuple[Part, Trace, list[Lifetime]]], begin: datetime, now: datetime
) -> float:
    """The length of a cycle that gives a usual life about USUAL_CYCLES of them."""
    hours = [
        trace.running_hours(span.begin or begin, span.end or now)
        for _, trace, spans in found
        for span in spans
        if span.failed
    ]
    wanted = float(np.median(hours)) / USUAL_CYCLES if hours else CYCLE_HOURS[0]
    return min(CYCLE_HOURS, key=lambda choice: abs(np.log(choice / max(wanted, 1e-6))))


def _cut(
    asset: Asset, cycles: Cycles, spans: Sequence[Lifetime], begin: datetime, now: datetime
) -> list[Life]:
    lives = []
    for number, span in enumerate(spans, 1):
        rows = cycles.between(span.begin or begin, span.end or now)
        if len(rows.seconds) < LEAST_CYCLES:
            continue
        lives.append(
            Life(
                unit=f"{asset.id} {number}",
                end=span.end or to_time(rows.seconds[-1]),
                settings=rows.settings,
                sensors=rows.sensors,
                failed=span.failed,
                age_known=rows.begin_at(span.begin),
            )
        )
    return lives
