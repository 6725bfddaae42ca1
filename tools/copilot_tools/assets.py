"""The machines of the site: which there are, where they stand, in which state they are."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from copilot_tools.chosen import choose_assets
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Column, Fact, Findings, Quality, Source, Table
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset
from copilot_tools.sources.protocols import Reading
from copilot_tools.tool import Risk, Text, tool

NAMED = 8
MENTIONED = 12
_STATES = {"fault": "in fault"}
_MODEL = Source("plant model", "assets")


@tool(risk=Risk.READ, purpose="machines: which, where, in which state")
async def find_assets(
    plant: Plant,
    query: Text | None = None,
    area: Text | None = None,
    state: Literal["running", "idle", "stopped", "fault"] | None = None,
) -> Findings:
    """Machines by name, kind, line or area, with their live state where they have one.

    Raises Unavailable when a state is asked for and the server does not answer.
    """
    machines = choose_assets(plant, query, area)
    try:
        readings = await _read_states(plant, machines)
        notices: tuple[str, ...] = ()
    except Unavailable as error:
        if state is not None:
            raise
        readings, notices = {}, (f"{error}. States are not known.",)
    found = [m for m in machines if state is None or _state(readings.get(m.id)) == state]
    if len(machines) == 1:
        found, state = machines, None
    unsure = [m for m in machines if state and _state(readings.get(m.id)) == "unknown"]
    if unsure:
        notices += (f"State not known: {', '.join(machine.id for machine in unsure)}.",)
    states = {machine.id: _state(readings.get(machine.id)) for machine in found}
    return Findings(
        summary=_summary(plant, found, states, state),
        facts=tuple(_facts(plant, found, [*found, *unsure], readings)),
        tables=(_table(plant, found, readings, states),) if len(found) > 1 else (),
        mentions=tuple(f"{machine.id} {machine.name}" for machine in found[:MENTIONED]),
        notices=notices,
    )


async def _read_states(plant: Plant, machines: list[Asset]) -> dict[str, Reading]:
    """The state reading of every machine that shows one."""
    shown = [(machine.id, machine.state_node) for machine in machines if machine.state_node]
    readings = await plant.telemetry.read([node for _, node in shown])
    return {key: reading for (key, _), reading in zip(shown, readings, strict=True)}


def _state(reading: Reading | None) -> str:
    usable = reading is not None and reading.quality in (Quality.GOOD, Quality.UNCERTAIN)
    return str(reading.value) if reading is not None and usable else "unknown"


def _facts(
    plant: Plant, found: list[Asset], told: list[Asset], readings: dict[str, Reading]
) -> Iterator[Fact]:
    """How many machines there are, and the state of each that is told of."""
    now, live = plant.now(), Source("OPC UA", "state")
    yield Fact("site", "machines", len(found), _MODEL, now)
    counts = Counter(_state(readings.get(machine.id)) for machine in found)
    for name, count in counts.items():
        yield Fact("site", f"machines {name}", count, live, now)
    for machine in told:
        reading = readings.get(machine.id)
        source = Source("OPC UA", str(machine.state_node)) if machine.state_node else live
        time = reading.time if reading else now
        yield Fact(machine.id, "state", _state(reading), source, time)
    if len(found) == 1:
        yield from _placement(plant, found[0])


def _placement(plant: Plant, machine: Asset) -> list[Fact]:
    line = plant.site.lines[machine.line].name if machine.line else ""
    described = (
        ("kind", machine.kind),
        ("model", machine.model),
        ("area", plant.site.areas[machine.area].name),
        ("line", line),
    )
    return [Fact(machine.id, n, value, _MODEL, plant.now()) for n, value in described if value]


def _summary(plant: Plant, found: list[Asset], states: dict[str, str], state: str | None) -> str:
    if not found:
        return f"No machine asked for is {_STATES.get(state or '', state)}."
    if len(found) == 1:
        machine = found[0]
        area = plant.site.areas[machine.area].name
        line = f", {plant.site.lines[machine.line].name}" if machine.line else ""
        model = f" {machine.model}" if machine.model else ""
        now = f", {states[machine.id]}" if states[machine.id] != "unknown" else ""
        return f"{machine.id} {machine.name}:{model} {machine.kind} in {area}{line}{now}."
    counts = Counter(states.values())
    known = [f"{count} {name}" for name, count in counts.most_common() if name != "unknown"]
    heading = f"{len(found)} machines"
    heading += (
        f" are {_STATES.get(state, state)}" if state else f" ({', '.join(known)})" if known else ""
    )
    named = ", ".join(f"{machine.id} {machine.name}" for machine in found[:NAMED])
    return f"{heading}: {named}{' and more' if len(found) > NAMED else ''}."


def _table(
    plant: Plant, found: list[Asset], readings: dict[str, Reading], states: dict[str, str]
) -> Table:
    headings = ("id", "name", "kind", "area", "line", "model", "state", "state read")
    return Table(
        title="Machines",
        columns=tuple(Column(heading) for heading in headings),
        rows=tuple(
            (
                *(m.id, m.name, m.kind, plant.site.areas[m.area].name),
                *(m.line, m.model, states[m.id]),
                readings[m.id].time if m.id in readings else None,
            )
            for m in found
        ),
        total=len(found),
        source=_MODEL,
        time=plant.now(),
    )
