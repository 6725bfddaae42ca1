"""Keeps what was predicted and says how often it was right; neither may ever spoil an answer."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copilot_tools.errors import ToolError
from copilot_tools.lifetimes import Lifetime
from copilot_tools.plant import Plant
from copilot_tools.predictions import Prediction
from copilot_tools.scorecard import Scorecard, judge, tally
from copilot_tools.site.model import Asset

_PATIENCE_S = 1.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """The scorecards of a machine's components by name, and why there are none."""

    cards: Mapping[str, Scorecard]
    notices: tuple[str, ...] = ()


async def past_record(
    plant: Plant, asset: Asset, lives: Mapping[str, Sequence[Lifetime]]
) -> Record:
    """How what was told of the components before today turned out, by the lives they had."""
    if plant.predictions is None:
        return Record({})
    try:
        async with asyncio.timeout(_PATIENCE_S):
            kept = await asyncio.to_thread(plant.predictions.of, [asset.id])
    except (TimeoutError, ToolError) as error:
        _log.warning("past predictions of %s cannot be read: %s", asset.id, error)
        return Record({}, ("How past predictions turned out cannot be read now.",))
    now = plant.now()
    told = [p for p in kept if p.role == "told" and p.at.date() < now.date()]
    return Record(
        {
            component: tally(judge((p for p in told if p.component == component), spans, now))
            for component, spans in lives.items()
            if any(p.component == component for p in told)
        }
    )


async def keep(plant: Plant, predictions: Sequence[Prediction]) -> None:
    """Keep predictions for the scorecard; where that fails, the log says so."""
    if plant.predictions is None or not predictions:
        return
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.to_thread(plant.predictions.keep, predictions)
    except (TimeoutError, ToolError) as error:
        _log.warning("predictions of %s were not kept: %s", predictions[0].asset, error)
