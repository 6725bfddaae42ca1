"""When a machine was known to be in trouble: what it did then is not how it usually runs."""

from datetime import timedelta
from typing import TypeAlias

import numpy as np

from copilot_tools.plant import Plant
from copilot_tools.timeseries import Flags, Floats

LEAD = timedelta(days=7)
"""For so long before it is reported a fault is taken to have grown."""

Trouble: TypeAlias = tuple[tuple[float, float], ...]
"""Spans of time, begin and end in seconds."""


async def known_trouble(plant: Plant, asset: str) -> Trouble:
    """From a week before each corrective job was opened until it was done.

    Raises Unavailable when the CMMS does not answer.
    """
    now = plant.now()
    orders = await plant.erp.work_orders([asset], None, None)
    return tuple(
        ((order.created - LEAD).timestamp(), (order.finished or now).timestamp())
        for order in orders
        if order.kind == "corrective"
    )


def outside(seconds: Floats, trouble: Trouble) -> Flags:
    """Which of some times lie in no trouble."""
    free = np.ones(len(seconds), dtype=np.bool_)
    for begin, end in trouble:
        free &= (seconds < begin) | (seconds > end)
    return free
