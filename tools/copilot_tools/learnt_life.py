"""What a trained model says of a component's remaining life, or why it cannot say anything."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from copilot_tools.cycles import Cycles, Schema, read_trace
from copilot_tools.lifetimes import renews
from copilot_tools.models.registry.kinds import Loaded, load
from copilot_tools.models.registry.manifest import Manifest, Unusable
from copilot_tools.models.registry.registry import Key
from copilot_tools.plant import Plant
from copilot_tools.records import WorkOrder
from copilot_tools.site.model import Asset, Component
from copilot_tools.timeseries import to_time

if TYPE_CHECKING:
    from copilot_tools.models.remaining_life import Estimate, RemainingLife, Run

KIND = "remaining-life"
LONGEST = timedelta(days=365)
STALE = timedelta(days=730)
_LEAST_DUTY = 0.02
_LEAST_DRIVER = 0.05

_REFUSALS = {
    "too short": "it has run too short since it was made good",
    "unseen regime": "it runs at an operating point that the model never saw",
    "outside training": "its signals are beyond all that the model saw",
}


@dataclass(frozen=True, slots=True)
class LearntLife:
    """The remaining life of a component in days of the calendar, as much as it now runs (`duty`).

    Without `high` the model only says "more than `low`". `drivers` are signals with the days that
    their course costs (negative) or gives.
    """

    component: Component
    manifest: Manifest
    days: float
    low: float
    high: float | None
    newest: datetime
    duty: float
    drivers: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class NotLearnt:
    """No answer of a trained model; `why` is one line, empty where there simply is no model."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked: how a component ran since it was made good, and if that was seen."""

    component: Component
    cycles: Cycles
    age_known: bool


def model_key(asset: Asset, component: Component) -> Key:
    """The model of a component is shared by all machines of its kind."""
    return Key(KIND, f"{asset.kind}/{component.name}")


async def learnt_life(
    plant: Plant, asset: Asset, component: Component, repairs: Sequence[WorkOrder]
) -> LearntLife | NotLearnt:
    """The answer of the model in use for a component."""
    if plant.models is None:
        return NotLearnt()
    try:
        version = plant.models.pointer(model_key(asset, component)).current
    except Unusable as error:
        return NotLearnt(str(error))
    return await ask_version(plant, asset, component, repairs, version)


async def ask_version(
    plant: Plant,
    asset: Asset,
    component: Component,
    repairs: Sequence[WorkOrder],
    version: int | None,
) -> LearntLife | NotLearnt:
    """The answer of one version of a component's model."""
    if plant.models is None or version is None:
        return NotLearnt()
    try:
        loaded = await asyncio.to_thread(load, plant.models, model_key(asset, component), version)
        schema = read_schema(loaded.manifest)
    except Unusable as error:
        return NotLearnt(str(error))
    question = await pose(plant, asset, component, repairs, loaded.manifest, schema)
    if isinstance(question, NotLearnt):
        return question
    return await asyncio.to_thread(answer, loaded, schema, question)


async def pose(
    plant: Plant,
    asset: Asset,
    component: Component,
    repairs: Sequence[WorkOrder],
    manifest: Manifest,
    schema: Schema,
) -> Question | NotLearnt:
    """What to ask a version about a component; its file is not needed for that."""
    until = manifest.until or manifest.created
    if plant.now() - until > STALE:
        return NotLearnt(f"{manifest.name} is too old; train it anew")
    if missing := schema.missing(asset):
        return NotLearnt(f"{manifest.name}: {asset.id} has no signal {', '.join(missing)}")
    now = plant.now()
    finished = [o.finished for o in repairs if o.finished and renews(o, component)]
    renewed = max(finished, default=None)
    begin = max(renewed, now - LONGEST) if renewed else now - LONGEST
    names = [*schema.settings, *schema.sensors]
    trace = await read_trace(plant.history, asset, names, begin, now)
    cycles = trace.cycles(schema).between(begin, now)
    if not len(cycles.seconds):
        return NotLearnt(f"{manifest.name}: there is no history of {asset.id}")
    return Question(component, cycles, cycles.begin_at(renewed))


def read_schema(manifest: Manifest) -> Schema:
    """What a model must be given; raises Unusable where its manifest does not say."""
    try:
        return Schema.model_validate(manifest.features)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unusable(f"{manifest.name}: its features: {where}: {first['msg']}") from None


def answer(loaded: Loaded, schema: Schema, question: Question) -> LearntLife | NotLearnt:
    """What a model says; this takes a while."""
    from copilot_tools.models.remaining_life import Run

    model: RemainingLife = loaded.model
    component, cycles = question.component, question.cycles
    run = Run(
        component.asset,
        cycles.settings,
        cycles.sensors,
        failed=False,
        age_known=question.age_known,
    )
    estimate = model.predict(run)
    if estimate.refusal is not None:
        return NotLearnt(f"{loaded.manifest.name} does not judge it: {_REFUSALS[estimate.refusal]}")
    if cycles.duty < _LEAST_DUTY:
        return NotLearnt(f"{loaded.manifest.name} does not judge it: it hardly runs")
    days = schema.cycle_hours / 24 / cycles.duty
    return LearntLife(
        component=component,
        manifest=loaded.manifest,
        days=estimate.median * days,
        low=estimate.low * days,
        high=None if estimate.capped else estimate.high * days,
        newest=to_time(cycles.seconds[-1] + schema.cycle_hours * 3600),
        duty=cycles.duty,
        drivers=_drivers(model, run, estimate, schema, days),
    )


def _drivers(
    model: "RemainingLife", run: "Run", estimate: "Estimate", schema: Schema, days: float
) -> tuple[tuple[str, float], ...]:
    """The signals that matter, in days."""
    least = _LEAST_DRIVER * max(estimate.median, 1.0)
    return tuple(
        (schema.sensors[driver.sensor], driver.cycles * days)
        for driver in model.explain(run)[:3]
        if abs(driver.cycles) > least
    )
