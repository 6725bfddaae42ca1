"""How a machine ran of late, by product: what its usual behaviour is learnt from and judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from copilot.health.trouble import Trouble, outside
from copilot_tools.course import chart_course, ordered_signals, read_makings
from copilot_tools.errors import Failed
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset
from copilot_tools.timeseries import Floats, to_time

_NEWEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MachineCourse:
    """Complete rows of running time by product ("" where none is known), oldest first.

    The first `operating` signals set the operating point; rows are medians of `width` s. `seconds`
    are the times of the rows; `left_out` is how many days of running time are not among them.
    """

    asset: str
    signals: tuple[str, ...]
    operating: int
    width: float
    rows: Mapping[str, Floats]
    seconds: Mapping[str, Floats]
    until: datetime | None
    left_out: float = 0.0

    def untroubled(self, trouble: Trouble) -> "MachineCourse":
        """What lies outside of known trouble."""
        free = {name: outside(seconds, trouble) for name, seconds in self.seconds.items()}
        total = sum(len(flags) for flags in free.values())
        kept = sum(int(flags.sum()) for flags in free.values())
        seconds = {name: self.seconds[name][flags] for name, flags in free.items() if flags.any()}
        return replace(
            self,
            rows={name: self.rows[name][free[name]] for name in seconds},
            seconds=seconds,
            until=_newest_time(seconds),
            left_out=(total - kept) * self.width / 86400,
        )

    def held_from(self, newest: Mapping[str, Floats]) -> float:
        """When the earliest of some products' newest rows begins (seconds)."""
        return min(float(self.seconds[name][-len(rows)]) for name, rows in newest.items())


async def read_course(plant: Plant, asset: Asset, days: float) -> MachineCourse:
    """The course of the last `days`; raises Failed for a machine without signals to judge."""
    signals = ordered_signals(asset)
    if not signals:
        raise Failed(f"{asset.id} {asset.name} has no signals that could be judged")
    now = plant.now()
    begin = now - timedelta(days=days)
    found = await plant.history.read([signal.id for signal in signals], begin, now)
    makings, _ = await read_makings(plant, asset)
    course, _ = chart_course(asset, found, begin, now - _NEWEST, now, makings)
    complete = course.running & np.isfinite(course.rows).all(axis=1)
    names = ["", *dict.fromkeys(making.product for making in makings)]
    rows, seconds = {}, {}
    for number in np.unique(course.product[complete]).tolist():
        chosen = complete & (course.product == number)
        rows[names[number]] = course.rows[chosen]
        seconds[names[number]] = course.seconds[chosen]
    return MachineCourse(
        asset=asset.id,
        signals=tuple(signal.name for signal in course.signals),
        operating=course.operating,
        width=course.width,
        rows=rows,
        seconds=seconds,
        until=_newest_time(seconds),
    )


def _newest_time(seconds: Mapping[str, Floats]) -> datetime | None:
    newest = max((float(times[-1]) for times in seconds.values()), default=None)
    return None if newest is None else to_time(newest)
