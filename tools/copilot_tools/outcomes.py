"""What became of predictions: kept ones against the lives that the components then had."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

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
    known = {
        (asset.id, component.name): component
        for asset in plant.site.assets.values()
        for component in asset.components
    }
    by_asset: dict[str, dict[Place, list[Prediction]]] = {}
    for prediction in sorted(predictions, key=lambda p: p.at):
        place = prediction.asset, prediction.component
        if place in known:
            by_asset.setdefault(prediction.asset, {}).setdefault(place, []).append(prediction)
    orders = await plant.erp.work_orders(sorted(by_asset), None, None)
    judged: dict[Place, Sequence[Judged]] = {}
    for asset, made in by_asset.items():
        begin = min(those[0].at for those in made.values())
        own = [order for order in orders if order.asset == asset]
        parts = [known[place] for place in made]
        lives = await _lives(plant, plant.site.assets[asset], parts, own, begin)
        for place, those in made.items():
            judged[place] = list(judge(those, lives[place[1]], plant.now()))
    return judged


async def _lives(
    plant: Plant,
    asset: Asset,
    parts: Sequence[Component],
    orders: Sequence[WorkOrder],
    first: datetime,
) -> Mapping[str, Sequence[Lifetime]]:
    """The lives of components of a machine since just before the first prediction."""
    begin = first - timedelta(days=3)
    names = list(dict.fromkeys(part.wear.signal for part in parts if part.wear))
    trace = await read_trace(plant.history, asset, names, begin, plant.now()) if names else None
    lives = {}
    for part in parts:
        seconds = values = np.empty(0)
        if trace is not None and part.wear is not None:
            schema = Schema(settings=(), sensors=(part.wear.signal,), cycle_hours=24)
            daily = trace.cycles(schema)
            seconds, values = daily.seconds, daily.sensors[:, 0]
        lives[part.name] = lifetimes(part, orders, seconds, values)
    return lives
