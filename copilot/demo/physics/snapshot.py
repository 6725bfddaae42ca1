"""The state of the plant as plain data, so that a restarted plant goes on where it was."""

from dataclasses import fields, is_dataclass
from typing import Any

from copilot.demo.physics.line import Halt, Line
from copilot.demo.physics.plant import PlantPhysics
from copilot.demo.physics.products import PRODUCTS

Snapshot = dict[str, Any]


def take_snapshot(plant: PlantPhysics) -> Snapshot:
    """Everything that changes in the plant, ready for JSON."""
    machines = {machine.asset: _dump(machine) for machine in plant.machines}
    lines = {line.id: _dump_line(line) for line in plant.lines}
    return {"machines": machines, "lines": lines}


def restore_snapshot(plant: PlantPhysics, snapshot: Snapshot) -> None:
    """Put a plant into a stored state; raises KeyError when it belongs to another model."""
    for machine in plant.machines:
        _load(machine, snapshot["machines"][machine.asset])
    for line in plant.lines:
        stored = snapshot["lines"][line.id]
        line.product = PRODUCTS[stored["product"]]
        line.wait = stored["wait"]
        line.lack = Halt(*stored["lack"]) if stored["lack"] else None


def _dump_line(line: Line) -> Snapshot:
    lack = [line.lack.asset, line.lack.reason, line.lack.planned] if line.lack else None
    return {"product": line.product.name, "wait": line.wait, "lack": lack}


def _dump(thing: Any) -> Snapshot:
    values = ((field.name, getattr(thing, field.name)) for field in fields(thing))
    return {name: _dump(value) if is_dataclass(value) else value for name, value in values}


def _load(thing: Any, stored: Snapshot) -> None:
    for field in fields(thing):
        value = getattr(thing, field.name)
        if is_dataclass(value):
            _load(value, stored[field.name])
        else:
            setattr(thing, field.name, stored[field.name])
