"""Where a cause may sit: the machine itself, what feeds it, and what it feeds directly."""

from dataclasses import dataclass, replace

from copilot_tools.failure_modes import At
from copilot_tools.operation import ambient_signals
from copilot_tools.site.model import Asset, Site

UPSTREAM_STEPS = 3


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The machine asked about, and those near it by id with how many steps away they are.

    A machine downstream has a negative number of steps: what blocks there is felt here.
    """

    site: Site
    machine: Asset
    steps: dict[str, int]

    @property
    def assets(self) -> list[Asset]:
        """The machine and its neighbours, the machine first."""
        return [self.site.assets[key] for key in self.steps]

    def seen_from(self, asset: Asset, at: At) -> list[Asset]:
        """The machines that a sign of a mode of `asset` is about."""
        match at:
            case "here":
                return [asset]
            case "downstream":
                return [other for other in self.assets if other.id in asset.feeds]
            case "upstream":
                return [other for other in self.assets if asset.id in other.feeds]
            case "site":
                return list(self.site.assets.values())

    @property
    def thermometers(self) -> list[Asset]:
        """What measures the air around: machines of the site, each with only those signals."""
        owners = ((asset, ambient_signals(asset)) for asset in self.site.assets.values())
        return [replace(asset, signals=signals, line="") for asset, signals in owners if signals]

    def reaches(self, source: str, asset: Asset) -> bool:
        """Does what one machine does reach another: is it the same one, or upstream of it?"""
        reached = {source}
        for _ in self.steps:
            reached |= {k for near in self.assets if near.id in reached for k in near.feeds}
        return asset.id in reached


def find_neighbours(site: Site, machine: Asset) -> Neighbours:
    """All that feeds a machine within three steps, and what it feeds within one."""
    steps = {machine.id: 0}
    for step in range(1, UPSTREAM_STEPS + 1):
        nearer = [key for key, far in steps.items() if far == step - 1]
        for other in site.assets.values():
            if other.id not in steps and any(key in other.feeds for key in nearer):
                steps[other.id] = step
    for key in machine.feeds:
        steps.setdefault(key, -1)
    return Neighbours(site, machine, steps)
