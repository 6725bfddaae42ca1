"""The lives that components have had: from a repair, or the limit of their wear, to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from copilot_tools.records import WorkOrder, WorkOrderStatus
from copilot_tools.site.model import Component, Wear
from copilot_tools.site.names import split_words
from copilot_tools.timeseries import Floats, to_time

_STAYS = 3


@dataclass(frozen=True, slots=True)
class Lifetime:
    """One life: an unknown `begin` lies before the history, without `end` it goes on.

    `failed` means that it ended at its limit or in a corrective repair, and not in time.
    """

    begin: datetime | None
    end: datetime | None
    failed: bool


def renews(order: WorkOrder, component: Component) -> bool:
    """Whether a job made the component good: a repair of it, or any job that used its part."""
    if component.part and component.part in order.parts:
        return True
    same = set(split_words(component.name)) <= set(split_words(order.component))
    return same and order.kind == "corrective"


def lifetimes(
    component: Component, orders: Sequence[WorkOrder], seconds: Floats, wear: Floats
) -> list[Lifetime]:
    """The lives of a component, oldest first, by finished jobs and medians of its wear signal.

    `wear` may be empty for a component without such a signal. What follows the limit until the
    repair belongs to no life.
    """
    renewals = sorted(
        (order.finished, order.kind == "corrective")
        for order in orders
        if order.status is WorkOrderStatus.DONE and order.finished and renews(order, component)
    )
    edges: list[tuple[datetime | None, bool]] = [(None, False), *renewals, (None, False)]
    lives = []
    for (begin, _), (end, corrective) in pairwise(edges):
        crossed = _crossing(component.wear, seconds, wear, begin, end)
        if crossed is not None:
            lives.append(Lifetime(begin, crossed, failed=True))
        else:
            lives.append(Lifetime(begin, end, failed=corrective))
    return lives


def _crossing(
    wear: Wear | None,
    seconds: Floats,
    values: Floats,
    begin: datetime | None,
    end: datetime | None,
) -> datetime | None:
    """When the wear signal came to its limit to stay there."""
    if wear is None:
        return None
    inside = np.isfinite(values)
    if begin is not None:
        inside &= seconds >= begin.timestamp()
    if end is not None:
        inside &= seconds < end.timestamp()
    sign = 1.0 if wear.rising else -1.0
    beyond = sign * (values[inside] - wear.threshold) >= 0
    if len(beyond) < _STAYS:
        return None
    stays = np.lib.stride_tricks.sliding_window_view(beyond, _STAYS).all(axis=1)
    return to_time(seconds[inside][int(stays.argmax())]) if stays.any() else None
