"""What became of predictions: kept ones against the lives that the components then had."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from copilot_tools.cycles import Schema, read_trace
from copilot_tools.lifetimes import Lifetime, lifetimes
from copilot_tools.plant import Plant
from copilot_tools.predictions import Prediction
from copilot_tools.records import WorkOrder
from copilot_tools.scorecard import Judged, judge
from copilot_tools.site.model import Asset, Component

Place = tuple[str, str]
"""An asset's id and the name of one of its components."""


async def judge_predictions(
    plant: Plant, predictions: Sequence[Prediction]
) -> Mapping[Place, Sequence[Judged]]:
    """The predictions of each component with their outcomes, in the order they were made.

    What the plant model no longer knows is left out. Raises Unavailable when the CMMS or the
    history does not answer.
    """
    by_place: dict[Place, list[Prediction]] = {}
    for prediction in sorted(predictions, key=lambda p: p.at):
        by_place.setdefault((prediction.asset, prediction.component), []).append(prediction)
    known = {
        (asset.id, component.name): (asset, component)
        for asset in plant.site.assets.values()
        for component in asset.components
    }
    orders = await plant.erp.work_orders(sorted({asset for asset, _ in by_place}), None, None)
    judged: dict[Place, Sequence[Judged]] = {}
    for place, made in by_place.items():
        if place in known:
            lives = await _lives(plant, *known[place], orders, made[0])
            judged[place] = list(judge(made, lives, plant.now()))
    return judged


async def _lives(
    plant: Plant,
    asset: Asset,
    component: Component,
    orders: Sequence[WorkOrder],
    first: Prediction,
) -> list[Lifetime]:
    """The lives since just before the first prediction."""
    own = [order for order in orders if order.asset == asset.id]
    none = np.empty(0)
    if component.wear is None:
        return lifetimes(component, own, none, none)
    signal = component.wear.signal
    begin = first.at - timedelta(days=3)
    trace = await read_trace(plant.history, asset, [signal], begin, plant.now())
    daily = trace.cycles(Schema(settings=(), sensors=(signal,), cycle_hours=24))
    return lifetimes(component, own, daily.seconds, daily.sensors[:, 0])
