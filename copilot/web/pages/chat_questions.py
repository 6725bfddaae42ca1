"""Questions worth asking, made from the site: about one machine, or about what is wrong now."""

from collections.abc import Iterator
from itertools import islice

from copilot_tools.errors import Unavailable
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset

MOST = 8
TROUBLED = 2


async def suggest(plant: Plant, asset: str = "") -> list[str]:
    """A few questions: about that machine, or about machines with alarms and the plant."""
    machine = plant.site.assets.get(asset)
    if machine is not None:
        return list(islice(_about(machine), MOST))
    questions = [f"How is {name} doing?" for name in await _troubled(plant)]
    return list(islice((*questions, *_general(plant)), MOST))


async def _troubled(plant: Plant) -> list[str]:
    """Machines whose alarms stand, the newest first; none when that cannot be seen."""
    try:
        standing = await plant.alarms.standing()
    except Unavailable:
        return []
    active = sorted((s for s in standing if s.active), key=lambda s: s.since, reverse=True)
    names = (plant.site.assets[state.definition.asset].name for state in active)
    return list(dict.fromkeys(names))[:TROUBLED]


def _about(machine: Asset) -> Iterator[str]:
    name = machine.name
    yield f"How is {name} doing?"
    if machine.signals:
        yield f"Show the {machine.signals[0].name} of {name} over the last 8 hours"
    yield f"Does {name} behave abnormally?"
    if machine.components:
        yield f"How long will the {machine.components[0].name} of {name} last?"
    if machine.alarms:
        yield f"Which alarms did {name} have this week?"
    yield f"Which work orders are open for {name}?"
    yield f"Which spare parts fit {name}?"
    if machine.documents:
        yield f"What does the manual of {name} say about maintenance?"


def _general(plant: Plant) -> Iterator[str]:
    yield "Which alarms are active?"
    yield "Which machines are not running?"
    for line in islice(plant.site.lines.values(), 1):
        yield f"What is the OEE of {line.name} today?"
        yield f"How many rejects did {line.name} have today?"
    yield "Which work orders are overdue?"
    yield "Which spare parts are below their minimum?"
    yield "Which production orders are running?"
    yield "What can you do?"
