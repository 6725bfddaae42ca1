"""What can be watched live, by the key that pages use for it.

`<asset>.<signal>` is a signal, `<asset>.<setpoint> setpoint` a setpoint, `<asset>.state` the state
of the machine.
"""

from dataclasses import dataclass, replace

from copilot_tools.facts import Range
from copilot_tools.readings import Point
from copilot_tools.site.model import Asset, Node, Signal, Site

STATE = "state"


@dataclass(frozen=True, slots=True)
class Watched:
    """A point of an asset; `scale` are the ends of its bar, `state` tells whether it runs."""

    key: str
    asset: str
    point: Point
    state: Node | None
    scale: Range | None = None

    def unjudged(self) -> "Watched":
        """The same while the machine rests, when normal range and limits say nothing."""
        return replace(self, point=self.point.unjudged())


def watchable(site: Site) -> dict[str, Watched]:
    """Everything of a site that can be watched."""
    return {one.key: one for asset in site.assets.values() for one in points_of(asset)}


def points_of(asset: Asset) -> list[Watched]:
    """Everything of an asset that can be watched: state, setpoints, signals."""
    state = asset.state_node
    shown = state_of(asset)
    found = [shown] if shown is not None else []
    for setpoint in asset.setpoints:
        point = Point.of_setpoint(setpoint)
        key = f"{asset.id}.{point.name}"
        found.append(Watched(key, asset.id, point, state, _bounded(setpoint.bounds)))
    found += [
        Watched(signal.id, asset.id, Point.of_signal(signal), state, scale(signal))
        for signal in asset.signals
    ]
    return found


def state_of(asset: Asset) -> Watched | None:
    """The state of a machine that shows one."""
    state = asset.state_node
    if state is None:
        return None
    return Watched(f"{asset.id}.{STATE}", asset.id, Point(STATE, state, ""), state)


def scale(signal: Signal) -> Range | None:
    """The ends of a signal's bar: its instrument's range, else somewhat beyond all its limits."""
    if (whole := _bounded(signal.range)) is not None:
        return whole
    limits, normal = signal.limits, signal.normal
    ends = (limits.low_low, limits.low, limits.high, limits.high_high)
    marks = [*ends, normal.low, normal.high] if normal else [*ends]
    known = [mark for mark in marks if mark is not None]
    if len(known) < 2 or max(known) <= min(known):
        return None
    margin = (max(known) - min(known)) / 5
    return Range(min(known) - margin, max(known) + margin)


def place(value: object, along: Range | None) -> float | None:
    """Where a value is on a bar, 0 to 100; None for what has no place there."""
    if along is None or along.low is None or along.high is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    share = (value - along.low) / (along.high - along.low)
    return round(100 * min(max(share, 0.0), 1.0), 1)


def _bounded(whole: Range | None) -> Range | None:
    if whole is None or whole.low is None or whole.high is None or whole.high <= whole.low:
        return None
    return whole
