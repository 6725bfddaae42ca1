"""What the watch learns of a machine from its history: baselines by product, and its factor."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from copilot_tools.course import Course, Making, chart_course, ordered_signals, read_makings
from copilot_tools.models.abnormality.allowance import restless_factor
from copilot_tools.models.abnormality.baseline import Baseline
from copilot_tools.models.abnormality.episodes import Rule
from copilot_tools.models.abnormality.fleet import FleetScorer
from copilot_tools.models.abnormality.model_arrays import UNSEEN
from copilot_tools.operation import motion_signal, running_level
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset
from copilot_tools.sources.protocols import Samples
from copilot_tools.timeseries import Flags

REFERENCE = timedelta(days=9)
SHADOW = timedelta(days=7)  # watched but not learnt from: it tells how restless the machine is
MINUTE_S = 60.0
_NEWEST = timedelta(minutes=20)
_HELD = 3
_DAY = 1440  # rows


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that can be watched; rows are a minute apart.

    `products` name the baselines, "" where none is known. It runs while the signal `motion` is
    above `running_from`; one without such a signal always does.
    """

    asset: str
    signals: tuple[str, ...]
    products: tuple[str, ...]
    baselines: tuple[Baseline | None, ...]
    factor: float
    motion: str | None
    running_from: float


async def learn_machine(plant: Plant, asset: Asset) -> Machine | None:
    """Learn from nine days of history, a week old; None where that is too little.

    Raises Unavailable when the history does not answer.
    """
    signals = ordered_signals(asset)
    if not signals:
        return None
    end = plant.now()
    found = await plant.history.read([s.id for s in signals], end - SHADOW - REFERENCE, end)
    makings, _ = await read_makings(plant, asset)
    return await asyncio.to_thread(_learn, plant, asset, found, makings)


def _learn(
    plant: Plant, asset: Asset, found: Mapping[str, Samples], makings: Sequence[Making]
) -> Machine | None:
    end = plant.now()
    begin = end - SHADOW - REFERENCE
    course, _ = chart_course(asset, found, begin, end - _NEWEST, end, makings)
    if not course.signals:
        return None
    complete = course.running & np.isfinite(course.rows).all(axis=1)
    known = complete & course.between(begin, end - SHADOW)
    products = ("", *dict.fromkeys(making.product for making in makings))
    baselines = tuple(
        Baseline.fit(course.rows[known & (course.product == number)])
        for number in range(len(products))
    )
    motion = motion_signal(asset)
    unknowable = motion is not None and motion not in course.signals
    if unknowable or all(baseline is None for baseline in baselines):
        return None
    level = running_level(course.rows[:, course.signals.index(motion)]) if motion else 0.0
    return Machine(
        asset=asset.id,
        signals=tuple(signal.id for signal in course.signals),
        products=products,
        baselines=baselines,
        factor=_factor(course, baselines, complete & course.between(end - SHADOW, end)),
        motion=motion.id if motion else None,
        running_from=level,
    )


def _factor(course: Course, baselines: Sequence[Baseline | None], shadow: Flags) -> float:
    """From which score the machine is abnormal, by what it reaches on a usual day.

    It is scored as it will be live: products and standing still make it warm up anew.
    """
    scorer = FleetScorer([baselines])
    scores = []
    for place in np.flatnonzero(course.seconds >= course.seconds[-1] - SHADOW.total_seconds()):
        regime = course.product[place] if shadow[place] else UNSEEN
        tick = scorer.tick(course.rows[place][None], course.seconds[place], np.array([regime]))
        scores.append(tick.scores[0])
    by_day = np.split(np.array(scores), range(_DAY, len(scores), _DAY))
    return restless_factor(by_day, Rule().factor, _HELD)
