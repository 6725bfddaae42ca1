"""What the page of a machine shows beside its live values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copilot.web.live.points import Watched, points_of
from copilot.web.live.shown import Shown
from copilot.web.services import Services
from copilot_knowledge.document import Manual
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.facts import Findings, Range
from copilot_tools.plant import Plant
from copilot_tools.records import Part
from copilot_tools.site.model import Asset, Limits, Signal

WINDOWS = ("1h", "8h", "24h", "7d", "30d")


@dataclass(frozen=True, slots=True)
class Row:
    """A point of the machine with what is known of it now; `shown` is None while nothing is."""

    watched: Watched
    shown: Shown | None

    @property
    def normal(self) -> tuple[float, float] | None:
        """Where the normal range lies on the bar: begin and length."""
        return self._span(self.watched.point.normal)

    @property
    def marks(self) -> tuple[tuple[float, bool], ...]:
        """Where the alarm limits lie on the bar, and whether each is an outer one."""
        limits = self.watched.point.limits
        ends = (limits.low_low, True), (limits.low, False), (limits.high, False)
        every = (*ends, (limits.high_high, True))
        return tuple((self._at(end), outer) for end, outer in every if end is not None)

    def _span(self, normal: Range | None) -> tuple[float, float] | None:
        scale = self.watched.scale
        if normal is None or scale is None or scale.low is None or scale.high is None:
            return None
        low = self._at(scale.low if normal.low is None else normal.low)
        high = self._at(scale.high if normal.high is None else normal.high)
        return low, max(high - low, 0.0)

    def _at(self, value: float) -> float:
        scale = self.watched.scale
        if scale is None or scale.low is None or scale.high is None:
            return 0.0
        share = (value - scale.low) / (scale.high - scale.low)
        return round(100 * min(max(share, 0.0), 1.0), 1)


async def live_rows(services: Services, asset: Asset) -> list[Row]:
    """Every point of the machine as it is now; raises Unavailable."""
    watched = points_of(asset)
    shown = await services.values.read(watched)
    return [Row(one, shown[one.key]) for one in watched]


def unread_rows(asset: Asset) -> list[Row]:
    """The same while nothing can be read."""
    return [Row(one, None) for one in points_of(asset)]


async def run_tool(plant: Plant, name: str, **arguments: str) -> Findings:
    """What a tool finds; raises ToolError when it cannot."""
    tool = CATALOGUE[name]
    return await tool.run(plant, tool.check(arguments))


async def parts_of(plant: Plant, asset: Asset) -> list[tuple[Part, str]]:
    """The spare parts that fit, with the component that each is for."""
    components = {component.part: component.name for component in asset.components}
    parts = await plant.erp.parts()
    fitting = [p for p in parts if asset.id in p.fits or p.number in components]
    return [(part, components.get(part.number, "")) for part in fitting]


def documents_of(plant: Plant, asset: Asset) -> Iterator[tuple[str, Manual | None]]:
    """The manuals that the model names; None for one that is not on the shelf."""
    shelf = {document.id: document for document in plant.library.documents}
    return ((key, shelf.get(key)) for key in asset.documents)


def limits_of(signals: Sequence[Signal]) -> dict[tuple[str, str], Limits]:
    """The alarm limits of signals, as trends look them up."""
    return {(signal.asset, signal.name): signal.limits for signal in signals}
