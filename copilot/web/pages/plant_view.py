"""The plant as its overview shows it: lines in the order of flow, then what belongs to no line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from copilot.web.live.shown import Shown
from copilot_tools.site.model import Asset, Line, Severity, Site
from copilot_tools.sources.protocols import AlarmState
from copilot_tools.watched import LiveWatch

WORST_FIRST = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


@dataclass(frozen=True, slots=True)
class Tile:
    """A machine at a glance; `alarms` says how many stand of each severity, the worst first.

    `state` is None for a machine that shows none, or while its source does not answer. `unlike` is
    since when it is unlike itself by its live readings.
    """

    asset: Asset
    state: Shown | None
    alarms: tuple[tuple[Severity, int], ...]
    unlike: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The machines of a line, or those of an area that belong to no line."""

    key: str
    name: str
    line: Line | None
    tiles: tuple[Tile, ...]

    @property
    def alarms(self) -> tuple[tuple[Severity, int], ...]:
        """How many alarms stand in all of it, the worst first."""
        totals = dict.fromkeys(WORST_FIRST, 0)
        for tile in self.tiles:
            for severity, count in tile.alarms:
                totals[severity] += count
        return tuple((severity, count) for severity, count in totals.items() if count)


def groups(
    site: Site,
    assets: Sequence[Asset],
    states: Mapping[str, Shown],
    standing: Iterable[AlarmState],
    watch: LiveWatch | None = None,
) -> list[Group]:
    """The machines of a choice, the lines first; `states` are by asset."""
    alarms = _by_asset(standing)
    tiles = {
        a.id: Tile(a, states.get(a.id), count(alarms.get(a.id, ())), _unlike(watch, a))
        for a in assets
    }
    found: list[Group] = []
    for line in site.lines.values():
        own = flow_order([a for a in assets if a.line == line.id])
        found.append(Group(f"line-{line.id}", line.name, line, tuple(tiles[a.id] for a in own)))
    for area in site.areas.values():
        own = flow_order([a for a in assets if not a.line and a.area == area.id])
        found.append(Group(f"area-{area.id}", area.name, None, tuple(tiles[a.id] for a in own)))
    return [group for group in found if group.tiles]


def count(standing: Iterable[AlarmState]) -> tuple[tuple[Severity, int], ...]:
    """How many of some alarms are of which severity, the worst first."""
    alarms = list(standing)
    totals = ((s, sum(a.definition.severity is s for a in alarms)) for s in WORST_FIRST)
    return tuple((severity, total) for severity, total in totals if total)


def flow_order(assets: Sequence[Asset]) -> list[Asset]:
    """Machines so that each comes before those it feeds, else as the model has them."""
    waiting = {asset.id: asset for asset in assets}
    feeders: dict[str, set[str]] = {asset.id: set() for asset in assets}
    for asset in assets:
        for fed in feeders.keys() & set(asset.feeds):
            feeders[fed].add(asset.id)
    ordered: list[Asset] = []
    while waiting:
        # In a loop nobody is first but by the order of the model.
        free = (key for key in waiting if not feeders[key] & waiting.keys())
        ordered.append(waiting.pop(next(free, next(iter(waiting)))))
    return ordered


def _unlike(watch: LiveWatch | None, asset: Asset) -> datetime | None:
    found = watch(asset.id) if watch else None
    return found.since if found else None


def _by_asset(standing: Iterable[AlarmState]) -> dict[str, list[AlarmState]]:
    found: dict[str, list[AlarmState]] = {}
    for alarm in standing:
        found.setdefault(alarm.definition.asset, []).append(alarm)
    return found


def choose(site: Site, area: str) -> list[Asset]:
    """The machines of an area, or all."""
    return [asset for asset in site.assets.values() if area in ("", asset.area)]
