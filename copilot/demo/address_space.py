"""The demo plant as OPC UA nodes: areas, machines, signals, setpoints, methods, alarms."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.object_ids import ObjectIds

from copilot.demo.alarms import Standing
from copilot.demo.controls import Command
from copilot.demo.handshake import PARTS
from copilot.demo.nodes import COMPONENT, CONDITION, NodeBuilder, argument
from copilot.demo.ua_values import part_id, standard_id
from copilot_tools.site.model import (
    AlarmDefinition,
    Asset,
    SafetyClass,
    Setpoint,
    Severity,
    Signal,
    Site,
)

SEVERITIES = {Severity.LOW: 200, Severity.MEDIUM: 400, Severity.HIGH: 700, Severity.CRITICAL: 900}
STATE_NAMES = {
    "ActiveState": ("Inactive", "Active"),
    "AckedState": ("Unacknowledged", "Acknowledged"),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class PlantNodes:
    """Node ids by what they stand for, in the order of the plant model."""

    signals: list[ua.NodeId]
    states: list[ua.NodeId]
    lockouts: dict[ua.NodeId, str]
    setpoints: dict[ua.NodeId, Setpoint]
    blocks: dict[ua.NodeId, Setpoint]
    commands: dict[ua.NodeId, tuple[str, Command]]
    conditions: dict[str, ua.NodeId]
    acknowledge: dict[ua.NodeId, str]
    inject: ua.NodeId
    clear: ua.NodeId
    lock_out: ua.NodeId


async def build_nodes(server: Server, namespace: int, site: Site) -> PlantNodes:
    """Add the whole plant below Objects; values are filled in by the first step."""
    builder = NodeBuilder(namespace)
    objects = standard_id(ObjectIds.ObjectsFolder)
    root = builder.add_object(objects, "Site", site.id, site.name)
    kinds = {kind: builder.add_type(kind) for kind in {a.kind: None for a in site.assets.values()}}
    areas = {
        area.id: builder.add_object(root, f"Area.{area.id}", area.id, area.name)
        for area in site.areas.values()
    }
    demo = builder.add_object(objects, "Demo", "Demo", "Demo plant controls")
    plant = PlantNodes(
        [],
        [],
        {},
        {},
        {},
        {},
        {},
        {},
        builder.add_method(demo, "Demo.inject_fault", "inject_fault", _inject_arguments()),
        builder.add_method(demo, "Demo.clear_faults", "clear_faults"),
        builder.add_method(demo, "Demo.lock_out", "lock_out", _lock_out_arguments()),
    )
    for asset in site.assets.values():
        _add_asset(builder, plant, asset, areas[asset.area], kinds[asset.kind])
    for result in server.iserver.node_mgt_service.add_nodes(builder.items):
        result.StatusCode.check()
    return plant


def _inject_arguments() -> tuple[ua.Argument, ...]:
    return (
        argument("fault", ua.VariantType.String, "label of the fault"),
        argument("asset", ua.VariantType.String, "machine it happens on"),
        argument("severity", ua.VariantType.Double, "how bad it gets, 0 to 1"),
        argument("ramp_seconds", ua.VariantType.Double, "how long it takes to get there"),
    )


def _lock_out_arguments() -> tuple[ua.Argument, ...]:
    return (
        argument("asset", ua.VariantType.String, "machine whose lock-out switch is turned"),
        argument("on", ua.VariantType.Boolean, "locked out or given back"),
    )


def _add_asset(
    builder: NodeBuilder, plant: PlantNodes, asset: Asset, area: ua.NodeId, kind: ua.NodeId
) -> None:
    machine = builder.add_object(area, asset.id, asset.id, asset.name, kind)
    idle = ua.Variant("idle", ua.VariantType.String)
    plant.states.append(builder.add_variable(machine, f"{asset.id}.state", "state", idle))
    if asset.lockout_node:
        off = ua.Variant(False, ua.VariantType.Boolean)
        identifier = asset.lockout_node.identifier
        node = builder.add_variable(machine, identifier, "locked_out", off)
        plant.lockouts[node] = asset.id
    for signal in asset.signals:
        plant.signals.append(
            builder.add_analog(
                machine,
                signal.node.identifier,
                _plain(signal.name),
                0.0,
                signal.unit,
                _span(signal),
            )
        )
    for setpoint in asset.setpoints:
        plant.setpoints[_add_setpoint(builder, machine, setpoint)] = setpoint
        if setpoint.handshake:
            block = _add_block(builder, machine, setpoint.handshake.identifier)
            plant.blocks[block] = setpoint
    for command in asset.commands:
        if command.name in get_args(Command):
            name: Any = command.name
            node = builder.add_method(machine, command.node.identifier, command.name)
            plant.commands[node] = (asset.id, name)
    folder = builder.add_object(machine, f"{asset.id}.alarms", "alarms", reference=COMPONENT)
    for alarm in asset.alarms:
        _add_condition(builder, plant, folder, alarm)


def _add_setpoint(builder: NodeBuilder, machine: ua.NodeId, setpoint: Setpoint) -> ua.NodeId:
    bounds = setpoint.bounds
    span = (bounds.low or 0.0, bounds.high or 0.0)
    identifier = setpoint.node.identifier
    name = identifier.removeprefix(f"s={setpoint.asset}.")
    return builder.add_analog(
        machine, identifier, name, 0.0, setpoint.unit, span, writable=is_plain_tag(setpoint)
    )


def is_plain_tag(setpoint: Setpoint) -> bool:
    """Whether a setpoint is written itself: no safety trip, and not by a command block."""
    return setpoint.safety is not SafetyClass.SIS and setpoint.handshake is None


def _add_block(builder: NodeBuilder, machine: ua.NodeId, identifier: str) -> ua.NodeId:
    base = identifier.removeprefix("s=")
    block = builder.add_object(machine, base, base.partition(".")[2], reference=COMPONENT)
    for name, part in PARTS.items():
        rest = ua.Variant(part.rest, part.kind)
        builder.add_variable(block, f"{base}.{name}", name, rest, writable=part.written)
    return block


def _add_condition(
    builder: NodeBuilder, plant: PlantNodes, folder: ua.NodeId, alarm: AlarmDefinition
) -> None:
    base = alarm.node.identifier.removeprefix("s=")
    condition = builder.add_object(
        folder, base, _plain(alarm.message), alarm.message, CONDITION, COMPONENT
    )
    plant.conditions[alarm.id] = condition
    time = ua.Variant(EPOCH, ua.VariantType.DateTime)
    for state, (off, _) in STATE_NAMES.items():
        text = ua.Variant(ua.LocalizedText(off), ua.VariantType.LocalizedText)
        node = builder.add_variable(condition, f"{base}.{state}", state, text, standard=True)
        flag = ua.Variant(False, ua.VariantType.Boolean)
        builder.add_property(node, f"{base}.{state}.Id", "Id", flag)
        builder.add_property(node, f"{base}.{state}.TransitionTime", "TransitionTime", time)
    message = ua.Variant(ua.LocalizedText(alarm.message), ua.VariantType.LocalizedText)
    severity = ua.Variant(SEVERITIES[alarm.severity], ua.VariantType.UInt16)
    builder.add_property(condition, f"{base}.Time", "Time", time)
    builder.add_property(condition, f"{base}.Message", "Message", message)
    builder.add_property(condition, f"{base}.Severity", "Severity", severity)
    name = ua.Variant(alarm.id, ua.VariantType.String)
    builder.add_property(condition, f"{base}.ConditionName", "ConditionName", name)
    method = builder.add_method(
        condition,
        f"{base}.Acknowledge",
        "Acknowledge",
        (
            argument("EventId", ua.VariantType.ByteString, "identifies the event, not needed here"),
            argument("Comment", ua.VariantType.LocalizedText, "a remark, not stored"),
        ),
    )
    plant.acknowledge[method] = alarm.id


def condition_values(node: ua.NodeId, standing: Standing) -> list[tuple[ua.NodeId, ua.Variant]]:
    """The parts of a condition object that show an alarm's state."""
    changed = datetime.fromtimestamp(standing.changed, UTC)
    raised = datetime.fromtimestamp(standing.since, UTC)
    values: list[tuple[str, ua.Variant]] = [
        ("Time", ua.Variant(changed, ua.VariantType.DateTime)),
        ("ActiveState.TransitionTime", ua.Variant(raised, ua.VariantType.DateTime)),
        ("AckedState.TransitionTime", ua.Variant(changed, ua.VariantType.DateTime)),
    ]
    states: tuple[tuple[Literal["ActiveState", "AckedState"], bool], ...] = (
        ("ActiveState", standing.active),
        ("AckedState", standing.acknowledged),
    )
    for state, on in states:
        text = ua.LocalizedText(STATE_NAMES[state][on])
        values.append((state, ua.Variant(text, ua.VariantType.LocalizedText)))
        values.append((f"{state}.Id", ua.Variant(on, ua.VariantType.Boolean)))
    return [(part_id(node, part), value) for part, value in values]


def _span(signal: Signal) -> tuple[float, float] | None:
    if signal.range is None or signal.range.low is None or signal.range.high is None:
        return None
    return signal.range.low, signal.range.high


def _plain(name: str) -> str:
    return name.replace(" ", "_")
