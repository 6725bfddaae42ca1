"""Changes of the plant a user asks for: a setpoint, a command, the acknowledgement of an alarm.

Each is checked against the plant model and the live plant and returned as a Change with the present
value beside the new one. Nothing here writes, and nothing is asked for that cannot be seen first.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isfinite
from typing import Literal

from copilot_tools.changes import Change, Target
from copilot_tools.errors import Candidate, Denied, Retry, ToolError, Unavailable
from copilot_tools.facts import Fact, Findings, Quality, Source
from copilot_tools.plant import Plant
from copilot_tools.plant_state import at_rest
from copilot_tools.site.model import AlarmDefinition, Asset, Command, Node, SafetyClass, Setpoint
from copilot_tools.site.names import describe, surest
from copilot_tools.site.resolution import (
    begun_counts,
    can_be_told_apart,
    exact,
    format_count,
    is_whole_count,
)
from copilot_tools.sources.protocols import Reading
from copilot_tools.tool import Number, Risk, Text, tool

REQUEST = Source("request", "the user's words")


@tool(risk=Risk.PROPOSE, purpose="propose a setpoint change")
async def write_setpoint(
    plant: Plant, asset: Text, setpoint: Text, value: Number, reason: Text | None = None
) -> Findings:
    """The change of one setpoint, old value to new, within its bounds and largest step."""
    machine = plant.resolver.asset(asset)
    target = plant.resolver.setpoint(machine, setpoint)
    grounds = list(_limits(target, plant.now()))
    try:
        _check_value(target, value)
        present = _reliable(at_rest(await _read(plant, target.node), plant.now()), _name(target))
        old = present.value
        if isinstance(old, bool) or not isinstance(old, int | float) or not isfinite(old):
            raise Unavailable(f"the present value of {_name(target)}", "it is not a number")
        grounds.append(_fact(machine, f"present {target.name}", present, target.unit))
        _check_step(target, old, value)
    except ToolError as refusal:
        refusal.resting_on(*grounds)
        raise
    says = f"{_name(target)} {_say(target, old)} -> {_say(target, value)}"
    wish = Fact(machine.id, f"new {target.name}", value, REQUEST, plant.now(), target.unit)
    return Findings(
        says,
        (wish, _fact(machine, f"present {target.name}", present, target.unit)),
        mentions=(f"{machine.id} {machine.name}", f"{target.name} {value:.12g}"),
        change=Change(
            tool="write_setpoint",
            target=Target("setpoint", target.id, machine.id, target.node, target.handshake),
            arguments={"asset": machine.id, "setpoint": target.name, "value": value},
            says=says,
            old=old,
            new=value,
            unit=target.unit,
            reason=reason or "",
        ),
    )


@tool(risk=Risk.PROPOSE, purpose="propose a machine command")
async def send_command(
    plant: Plant,
    asset: Text,
    command: Literal["start", "stop", "reset", "open", "close"],
    reason: Text | None = None,
) -> Findings:
    """A command of a machine, where its controller offers it and the machine is not there yet."""
    machine = plant.resolver.asset(asset)
    wanted = _offered(machine, command)
    if machine.state_node is None:
        raise Denied(f"{machine.id} has no state in the plant model; I cannot see what it does.")
    state = _reliable(await _read(plant, machine.state_node), f"the state of {machine.id}")
    if state.value in wanted.expects:
        raise Retry(f"{machine.id} {machine.name} is {state.value} already.")
    says = f"{command} {machine.id} {machine.name}, now {state.value}"
    wish = Fact(machine.id, "command", command, REQUEST, plant.now())
    return Findings(
        says,
        (wish, _fact(machine, "state", state)),
        mentions=(f"{machine.id} {machine.name}",),
        change=Change(
            tool="send_command",
            target=Target("command", wanted.id, machine.id, wanted.node),
            arguments={"asset": machine.id, "command": command},
            says=says,
            old=state.value,
            new=" or ".join(wanted.expects),
            reason=reason or "",
        ),
    )


@tool(risk=Risk.PROPOSE, purpose="acknowledge an alarm")
async def acknowledge_alarm(plant: Plant, alarm: Text, comment: Text | None = None) -> Findings:
    """The acknowledgement of one standing alarm; one that has been acknowledged is said to be."""
    states = await plant.alarms.standing()
    standing = {state.definition.id: state for state in states}
    definition = _alarm(alarm, {key: state.definition for key, state in standing.items()})
    state = standing[definition.id]
    name = f"{definition.id} {definition.message} on {definition.asset}"
    mentions = (f"{definition.id} {definition.message} {definition.asset}",)
    if state.acknowledged:
        return Findings(f"{name} is acknowledged already.", mentions=mentions)
    says = f"acknowledge {name}"
    source = Source("OPC UA", str(definition.node))
    shown = "active" if state.active else "cleared"
    facts = (
        Fact(definition.id, "comment", comment or "none", REQUEST, plant.now()),
        Fact(definition.id, "state", f"{shown}, unacknowledged", source, state.since),
    )
    return Findings(
        says,
        facts,
        mentions=mentions,
        change=Change(
            tool="acknowledge_alarm",
            target=Target("alarm", definition.id, definition.asset, definition.node),
            arguments={"alarm": definition.id, "comment": comment or ""},
            says=says,
            old="unacknowledged",
            new="acknowledged",
            reason=comment or "",
        ),
    )


def _limits(setpoint: Setpoint, now: datetime) -> Iterator[Fact]:
    """What the plant model lets be set, which a refusal may tell."""
    limits = {
        "lowest": setpoint.bounds.low,
        "highest": setpoint.bounds.high,
        "largest step": setpoint.max_step,
        "resolution": setpoint.resolution,
    }
    source = Source("plant model", setpoint.id)
    for name, limit in limits.items():
        if limit is not None:
            told = f"{setpoint.name} {name}"
            yield Fact(setpoint.asset, told, limit, source, now, setpoint.unit)


def _check_value(setpoint: Setpoint, value: float) -> None:
    """Raises Denied for what may never be set, Retry for a value between two steps."""
    name = _name(setpoint)
    if setpoint.safety is SafetyClass.SIS:
        raise Denied(f"{name} belongs to the safety system; I never change it.")
    if not setpoint.writable:
        raise Denied(f"{name} is not among the setpoints that this site lets me change.")
    if value not in setpoint.bounds:
        low, high = (_number(setpoint, end) for end in (setpoint.bounds.low, setpoint.bounds.high))
        bounds = f"{low} to {high} {setpoint.unit}".rstrip()
        raise Denied(f"{name} cannot be {value:.12g} {setpoint.unit}: its bounds are {bounds}.")
    if not is_whole_count(value, setpoint.resolution):
        step = f"{setpoint.resolution:.12g} {setpoint.unit}".rstrip()
        raise Retry(f"{name} is set in steps of {step}; {value:.12g} lies between two of them.")


def _check_step(setpoint: Setpoint, old: float, value: float) -> None:
    """Raises Retry when nothing would change, Denied when too much would."""
    if abs(value - old) < setpoint.resolution / 2:
        raise Retry(f"{_name(setpoint)} is {_say(setpoint, value)} already.")
    if not can_be_told_apart(value, old, setpoint.tolerance):
        raise Retry(
            f"{_name(setpoint)} is {_say(setpoint, old)}; the effect of {_say(setpoint, value)} "
            "could not be told from the present value."
        )
    excess = abs(exact(value) - exact(old)) - exact(setpoint.max_step or 0.0)
    if setpoint.max_step is not None and begun_counts(excess, setpoint.resolution) > 0:
        raise Denied(
            f"{_name(setpoint)} {_say(setpoint, old)} -> {_say(setpoint, value)} is more than "
            f"its largest step of {setpoint.max_step:.12g} {setpoint.unit}."
        )


async def _read(plant: Plant, node: Node) -> Reading:
    (reading,) = await plant.telemetry.read([node])
    return reading


def _reliable(reading: Reading, what: str) -> Reading:
    """The same reading, if it can be relied on; raises Unavailable or Denied for any other."""
    if reading.value is None or reading.quality is Quality.BAD:
        raise Unavailable(f"the present value of {what}", reading.status)
    if reading.quality is not Quality.GOOD:
        raise Denied(f"The present value of {what} is {reading.quality} ({reading.status}).")
    return reading


def _offered(machine: Asset, name: str) -> Command:
    """The command of that name; raises Retry when there is none, Denied when it is not allowed."""
    commands = {command.name: command for command in machine.commands}
    if name not in commands:
        there_are = f"it offers {', '.join(commands)}" if commands else "it takes no commands"
        raise Retry(f"{machine.id} {machine.name} cannot {name}: {there_are}.")
    if commands[name].safety is SafetyClass.SIS:
        raise Denied(f"{machine.id} {name} belongs to the safety system; I never send it.")
    if not commands[name].allowed:
        raise Denied(f"{machine.id} {name} is not among the commands that this site lets me send.")
    return commands[name]


def _name(setpoint: Setpoint) -> str:
    return f"{setpoint.asset} {setpoint.name}"


def _say(setpoint: Setpoint, value: float) -> str:
    return f"{_number(setpoint, value)} {setpoint.unit}".rstrip()


def _number(setpoint: Setpoint, value: float | None) -> str:
    return "any" if value is None else format_count(value, setpoint.resolution)


def _fact(machine: Asset, name: str, reading: Reading, unit: str = "") -> Fact:
    source = Source("OPC UA", str(reading.node))
    return Fact(machine.id, name, reading.value, source, reading.time, unit, reading.quality)


def _alarm(text: str, standing: Mapping[str, AlarmDefinition]) -> AlarmDefinition:
    """The standing alarm that `text` means, by id or message and machine."""
    names = {
        key: (key, alarm.message, f"{alarm.message} {alarm.asset}")
        for key, alarm in standing.items()
    }
    clear = surest(describe(names).find(text))
    if len(clear) == 1:
        return standing[clear[0].key]
    offered = [standing[match.key] for match in clear] or list(standing.values())[:6]
    candidates = tuple(Candidate(a.id, f"{a.message} {a.asset}", 0.0) for a in offered)
    choices = ", ".join(f"{c.key} {c.name}" for c in candidates)
    if clear:
        raise Retry(f"Which alarm do you mean by {text!r}: {choices}?", candidates)
    known = f" Standing alarms: {choices}." if choices else " No alarm is standing."
    raise Retry(f"No standing alarm is called {text!r}.{known}", candidates)
