"""How well a line ran over a period: its OEE index, its losses, and what stands still."""

from dataclasses import dataclass

from copilot.web.pareto import Bar, pareto
from copilot_tools.oee_index import OeeIndex, oee_index
from copilot_tools.plant import Plant
from copilot_tools.records import Downtime
from copilot_tools.site.model import Line
from copilot_tools.windows import Period


@dataclass(frozen=True, slots=True)
class LineOee:
    """A line's index (None without any record) and its stops, the newest first."""

    line: Line
    index: OeeIndex | None
    stops: tuple[Downtime, ...]

    @property
    def standing(self) -> list[Downtime]:
        """The stops that last."""
        return [stop for stop in self.stops if stop.end is None]

    def factors(self) -> dict[str, float | None]:
        """OEE and what it is made of, in %."""
        index = self.index
        if index is None:
            return {}
        return {
            "oee": _percent(index.oee),
            "availability": _percent(index.availability),
            "performance": _percent(index.performance),
            "quality": _percent(index.quality),
        }

    def bars(self) -> list[Bar]:
        """The lost minutes by reason."""
        return pareto({x.reason: x.minutes for x in self.index.losses()} if self.index else {})


async def measure_line(plant: Plant, line: Line, period: Period) -> LineOee:
    """The OEE of a line; raises Unavailable."""
    counts = await plant.erp.counts(line.id, period.start, period.end)
    stops = await plant.erp.downtimes(line.id, period.start, period.end)
    index = oee_index(period.start, period.end, counts, stops, line.ideal_rate)
    return LineOee(line, index, tuple(reversed(stops)))


def _percent(share: float | None) -> float | None:
    return None if share is None else round(share * 100, 1)
