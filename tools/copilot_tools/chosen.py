"""Which assets a question is about, when it may name one, a group or a place."""

from copilot_tools.errors import Retry
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset


def choose_assets(plant: Plant, asset: str | None, area: str | None = None) -> list[Asset]:
    """The assets meant by `asset` ("pumps", an id) within `area`; all when neither is given.

    Raises Retry for a name that fits nothing.
    """
    chosen = list(plant.site.assets.values())
    if area is not None:
        inside = _in_place(plant, area)
        chosen = [machine for machine in chosen if machine in inside]
    if asset is not None:
        meant = plant.resolver.assets(asset) or [plant.resolver.asset(asset)]
        chosen = [machine for machine in chosen if machine in meant]
    return chosen


def describe_place(machines: list[Asset], asset: str | None, area: str | None) -> str:
    """How an answer names the choice: " for X in Y", or nothing when it is the whole site."""
    named = machines[0].id if asset is not None and len(machines) == 1 else asset
    whose = f" for {named}" if named else ""
    return f"{whose} in {area}" if area else whose


def _in_place(plant: Plant, name: str) -> list[Asset]:
    """The machines of an area; people also name a line where a machine stands."""
    try:
        area = plant.resolver.area(name)
    except Retry:
        if group := plant.resolver.assets(name):
            return group
        raise
    return [machine for machine in plant.site.assets.values() if machine.area == area.id]
