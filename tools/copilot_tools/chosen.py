"""Which assets a question is about, when it may name one, a group or a place."""

from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset


def choose_assets(plant: Plant, asset: str | None, area: str | None = None) -> list[Asset]:
    """The assets meant by `asset` ("pumps", an id) within `area`; all when neither is given.

    Raises Retry for a name that fits nothing.
    """
    chosen = list(plant.site.assets.values())
    if area is not None:
        inside = plant.resolver.assets(area) or _in_area(plant, area)
        chosen = [machine for machine in chosen if machine in inside]
    if asset is not None:
        meant = plant.resolver.assets(asset) or [plant.resolver.asset(asset)]
        chosen = [machine for machine in chosen if machine in meant]
    return chosen


def describe_place(machines: list[Asset], asset: str | None, area: str | None) -> str:
    """How an answer names the choice: " for X", or nothing when it is the whole site."""
    if asset is None and area is None:
        return ""
    if len(machines) == 1:
        return f" for {machines[0].id}"
    return f" for {' in '.join(name for name in (asset, area) if name)}"


def _in_area(plant: Plant, name: str) -> list[Asset]:
    area = plant.resolver.area(name)
    return [machine for machine in plant.site.assets.values() if machine.area == area.id]
