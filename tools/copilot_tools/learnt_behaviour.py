"""What is usual for a machine by the trained model in use, or why that cannot say it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from copilot_tools.course import Course
from copilot_tools.learnt_life import NotLearnt
from copilot_tools.models.behaviour import Behaviour
from copilot_tools.models.registry.kinds import load_current
from copilot_tools.models.registry.manifest import Manifest, Unusable
from copilot_tools.models.registry.registry import Key
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset

KIND = "behaviour"
WIDTH_S = 600.0
STALE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class LearntBehaviour:
    """The fits of the model in use by product, "" where none is known."""

    manifest: Manifest
    fits: Mapping[str, Behaviour]

    def misfit(self, course: Course) -> str:
        """Why the model cannot judge a course; empty where it can."""
        name = self.manifest.name
        if course.width != WIDTH_S:
            return f"{name} knows medians of ten minutes only"
        settings, sensors = (self.manifest.features.get(n) for n in ("settings", "sensors"))
        learnt = [*_names(settings), *_names(sensors)]
        here = [signal.name for signal in course.signals]
        if missing := [n for n in learnt if n not in here]:
            return f"{name} was learnt with {', '.join(missing)} as well"
        if more := [n for n in here if n not in learnt]:
            return f"{name} was learnt without {', '.join(more)}"
        if learnt != here or len(_names(settings)) != course.operating:
            return f"{name} was learnt with signals in another order"
        return ""


async def learnt_behaviour(plant: Plant, asset: Asset) -> LearntBehaviour | NotLearnt:
    """The model in use for a machine."""
    if plant.models is None:
        return NotLearnt()
    try:
        loaded = await asyncio.to_thread(load_current, plant.models, Key(KIND, asset.id))
    except Unusable as error:
        return NotLearnt(str(error))
    if loaded is None:
        return NotLearnt()
    manifest = loaded.manifest
    if plant.now() - (manifest.until or manifest.created) > STALE:
        return NotLearnt(f"{manifest.name} is too old; train it anew")
    return LearntBehaviour(manifest, loaded.model.fits)


def _names(names: object) -> list[str]:
    return [str(name) for name in names] if isinstance(names, list) else []
