"""Changes a user asks for: checked against the plant model and shown, not carried out.

Nothing here writes. Each function says what would be proposed, with the present value beside the
new one, or why it would not be.
"""

from collections.abc import Mapping
from typing import Literal

from copilot_tools.display import format_value
from copilot_tools.errors import Candidate, Denied, Retry, Unavailable
from copilot_tools.facts import Fact, Findings, Quality, Source, Value
from copilot_tools.known_names import choose
from copilot_tools.plant import Plant
from copilot_tools.records import Part
from copilot_tools.site.model import AlarmDefinition, SafetyClass, Setpoint
from copilot_tools.site.names import describe, surest
from copilot_tools.tool import Count, Number, Risk, Text, tool

WOULD = "Would be proposed:"
REQUEST = Source("request", "the user's words")


@tool(risk=Risk.PROPOSE, purpose="propose a setpoint change")
async def write_setpoint(
    plant: Plant, asset: Text, setpoint: Text, value: Number, reason: Text | None = None
) -> Findings:
    """The change of one setpoint, old value to new, within its bounds and largest step."""
    machine = plant.resolver.asset(asset)
    target = plant.resolver.setpoint(machine, setpoint)
    if target.safety is SafetyClass.SIS:
        raise Denied(f"{machine.id} {target.name} belongs to the safety system; I never change it.")
    present, notices = await _present_value(plant, target)
    facts = [_wish(plant, machine.id, f"new {target.name}", value, target.unit)]
    facts += [present] if present else []
    wanted = format_value(value, target.unit)
    name = f"{machine.id} {target.name}"
    if value not in target.bounds:
        return Findings(
            f"Would not be proposed: {name} to {wanted} is outside its bounds, {_bounds(target)}.",
            (*facts, *_bound_facts(plant, target)),
            mentions=(f"{machine.id} {machine.name}",),
            notices=notices,
        )
    old = f"{format_value(present.value, target.unit)} -> " if present else ""
    facts += _step_facts(plant, target, present, value)
    return Findings(
        f"{WOULD} {name} {old}{wanted}.",
        tuple(facts),
        mentions=(f"{machine.id} {machine.name}", f"{target.name} {format_value(value)}"),
        notices=notices + _step_notice(target, present, value),
    )


@tool(risk=Risk.PROPOSE, purpose="propose a machine command")
async def send_command(
    plant: Plant,
    asset: Text,
    command: Literal["start", "stop", "reset", "open", "close"],
    reason: Text | None = None,
) -> Findings:
    """A command of a machine, where its controller offers it."""
    machine = plant.resolver.asset(asset)
    offered = [known.name for known in machine.commands]
    if command not in offered:
        there_are = f"it offers {', '.join(offered)}" if offered else "it takes no commands"
        raise Retry(f"{machine.id} {machine.name} cannot {command}: {there_are}.")
    facts = (_wish(plant, machine.id, "command", command),)
    return _proposal(f"{command} {machine.id} {machine.name}", facts, machine.id, machine.name)


@tool(risk=Risk.PROPOSE, purpose="propose a maintenance job")
async def create_work_order(
    plant: Plant,
    asset: Text,
    title: Text,
    priority: Literal["low", "medium", "high", "urgent"] | None = None,
    description: Text | None = None,
) -> Findings:
    """A new work order for a machine."""
    machine = plant.resolver.asset(asset)
    wishes = {"title": title, "priority": priority or "medium", "description": description}
    facts = tuple(_wish(plant, machine.id, k, v) for k, v in wishes.items() if v is not None)
    what = f"work order for {machine.id} {machine.name}, {wishes['priority']} priority: {title}"
    return _proposal(what, facts, machine.id, machine.name)


@tool(risk=Risk.PROPOSE, purpose="reserve stock")
async def reserve_part(plant: Plant, part: Text, quantity: Count) -> Findings:
    """A reservation of a part; more than is available is said to be so."""
    found = await _part(plant, part)
    short = quantity > found.available
    available = _erp(plant, found, "available", found.available)
    what = f"reserve {format_value(quantity, found.unit)} {_described(found)}"
    notice = f"Only {format_value(found.available, found.unit)} available." if short else ""
    facts = (_wish(plant, found.number, "quantity", quantity, found.unit), available)
    return _proposal(what, facts, found.number, found.name, notice)


@tool(risk=Risk.PROPOSE, purpose="buy more")
async def request_purchase(plant: Plant, part: Text, quantity: Count) -> Findings:
    """A purchase request for a part."""
    found = await _part(plant, part)
    what = f"buy {format_value(quantity, found.unit)} {_described(found)} from {found.supplier}"
    facts = (_wish(plant, found.number, "quantity", quantity, found.unit),)
    return _proposal(what, facts, found.number, found.name)


@tool(risk=Risk.PROPOSE, purpose="quality hold")
async def hold_batch(plant: Plant, batch: Text, reason: Text | None = None) -> Findings:
    """A quality hold on a batch that production knows."""
    orders = await plant.erp.production_orders()
    key = choose("batch", batch, (order.batch for order in orders))
    facts = (_wish(plant, key, "hold", reason or "no reason given"),)
    return _proposal(f"quality hold on batch {key}", facts, key)


@tool(risk=Risk.PROPOSE, purpose="acknowledge an alarm")
async def acknowledge_alarm(plant: Plant, alarm: Text, comment: Text | None = None) -> Findings:
    """The acknowledgement of one standing alarm."""
    states = await plant.alarms.standing()
    standing = {state.definition.id: state.definition for state in states}
    definition = _alarm(plant, alarm, standing)
    name = f"{definition.id} {definition.message} on {definition.asset}"
    if any(s.definition is definition and s.acknowledged for s in states):
        return Findings(
            f"{name} is acknowledged already.", mentions=(f"{definition.id} {definition.message}",)
        )
    what = f"acknowledge {name}"
    facts = (_wish(plant, definition.id, "comment", comment or "none"),)
    return _proposal(what, facts, definition.id, f"{definition.message} {definition.asset}")


def _proposal(
    what: str, facts: tuple[Fact, ...], key: str, name: str = "", notice: str = ""
) -> Findings:
    return Findings(
        f"{WOULD} {what}.",
        facts,
        mentions=(f"{key} {name}".strip(),),
        notices=(notice,) if notice else (),
    )


def _wish(plant: Plant, subject: str, name: str, value: Value, unit: str = "") -> Fact:
    return Fact(subject, name, value, REQUEST, plant.now(), unit)


async def _present_value(plant: Plant, setpoint: Setpoint) -> tuple[Fact | None, tuple[str, ...]]:
    """The live value of a setpoint; or none, and why it cannot be seen."""
    try:
        reading = (await plant.telemetry.read([setpoint.node]))[0]
    except Unavailable as error:
        return None, (f"The present value cannot be seen: {error}.",)
    if reading.quality is Quality.BAD or not isinstance(reading.value, int | float):
        return None, (f"The present value cannot be seen: {reading.status}.",)
    source = Source("OPC UA", str(setpoint.node))
    name = f"present {setpoint.name}"
    return (
        Fact(setpoint.asset, name, reading.value, source, reading.time, setpoint.unit),
        (),
    )


def _bounds(setpoint: Setpoint) -> str:
    low, high = setpoint.bounds.low, setpoint.bounds.high
    return f"{format_value(low)} to {format_value(high, setpoint.unit)}"


def _bound_facts(plant: Plant, setpoint: Setpoint) -> tuple[Fact, ...]:
    source = Source("plant model", f"{setpoint.asset}.{setpoint.name}")
    ends = {"lowest": setpoint.bounds.low, "highest": setpoint.bounds.high}
    return tuple(
        Fact(setpoint.asset, f"{end} {setpoint.name}", value, source, plant.now(), setpoint.unit)
        for end, value in ends.items()
    )


def _step_facts(
    plant: Plant, setpoint: Setpoint, present: Fact | None, value: float
) -> tuple[Fact, ...]:
    if not _step_notice(setpoint, present, value):
        return ()
    source = Source("plant model", f"{setpoint.asset}.{setpoint.name}")
    name = f"largest step of {setpoint.name}"
    return (Fact(setpoint.asset, name, setpoint.max_step, source, plant.now(), setpoint.unit),)


def _step_notice(setpoint: Setpoint, present: Fact | None, value: float) -> tuple[str, ...]:
    known = present is not None and isinstance(present.value, int | float)
    if setpoint.max_step is None or not known or present is None:
        return ()
    if abs(value - float(str(present.value))) <= setpoint.max_step:
        return ()
    step = format_value(setpoint.max_step, setpoint.unit)
    return (f"That is more than the largest step of {step}: policy would refuse it.",)


async def _part(plant: Plant, text: str) -> Part:
    parts: Mapping[str, Part] = {part.number: part for part in await plant.erp.parts()}
    matches = describe({key: (key, part.name) for key, part in parts.items()}).find(text)
    clear = surest(matches)
    if len(clear) == 1:
        return parts[clear[0].key]
    offered = tuple(
        Candidate(match.key, parts[match.key].name, match.confidence)
        for match in (clear or matches)[:6]
    )
    names = ", ".join(f"{c.key} {c.name}" for c in offered)
    if clear:
        raise Retry(f"Which part do you mean by {text!r}: {names}?", offered)
    raise Retry(f"I know no part {text!r}.{f' Nearest: {names}.' if names else ''}", offered)


def _described(part: Part) -> str:
    fits = f" (fits {', '.join(part.fits)})" if part.fits else ""
    return f"{part.number} {part.name}{fits}"


def _erp(plant: Plant, part: Part, name: str, value: Value) -> Fact:
    source = Source("ERP", f"parts.number={part.number}")
    return Fact(part.number, name, value, source, plant.now(), part.unit)


def _alarm(plant: Plant, text: str, standing: Mapping[str, AlarmDefinition]) -> AlarmDefinition:
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
