"""The demo plant's OPC UA server: steps the plant every second and shows it to clients."""

from datetime import UTC, datetime
from functools import partial
from math import isnan
from typing import Any

from asyncua import ua
from asyncua.server.server import Server

from copilot.demo.access import Input, Users, build_rules, guard_server
from copilot.demo.address_space import PlantNodes, build_nodes, condition_values, is_plain_tag
from copilot.demo.controls import Command, Controls
from copilot.demo.handshake import PARTS, CommandBlock
from copilot.demo.simulate import Simulation, Stretch
from copilot.demo.ua_values import GOOD, part_id, stamped, status
from copilot_tools.site.model import Setpoint

NAMESPACE = "urn:riverbend:plant"
LOST = status("BadSensorFailure")
NOT_NOW = status("BadInvalidState")
WRONG = status("BadInvalidArgument")


class PlantServer:
    """Shows a simulation on a loopback port and lets the executor act on it."""

    def __init__(self, simulation: Simulation, executor_password: str) -> None:
        self._simulation = simulation
        self._controls = Controls(simulation.plant, simulation.site)
        self._server = Server(user_manager=Users(executor_password))
        self._nodes: PlantNodes
        self._blocks: dict[ua.NodeId, CommandBlock] = {}
        self._shown: dict[str, tuple[bool, bool, float]] = {}

    async def start(self, port: int, host: str = "127.0.0.1") -> str:
        """Listen on a host's port (any free one for 0); answers the endpoint's URL."""
        server = self._server
        await server.init()
        server.set_endpoint(f"opc.tcp://{host}:{port}/")
        server.set_server_name("Riverbend demo plant")
        await server.set_application_uri("urn:riverbend:demo:server")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity], build_rules())
        server.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken])
        index = await server.register_namespace(NAMESPACE)
        self._nodes = await build_nodes(server, index, self._simulation.site)
        self._link()
        await self._show_alarms()
        await server.start()
        return f"opc.tcp://{host}:{_bound_port(server)}/"

    async def stop(self) -> None:
        """Close all sessions and stop listening."""
        await self._server.stop()

    async def show(self, stretch: Stretch) -> None:
        """Take up commands, then publish the newest values, states and alarms."""
        await self._scan_blocks()
        moment = stretch.times[-1].item().replace(tzinfo=UTC)
        for node, value in zip(self._nodes.signals, stretch.values[-1].tolist(), strict=True):
            await self._write_number(node, value, moment)
        states = self._simulation.plant.states()
        for node, state in zip(self._nodes.states, states, strict=True):
            await self._write(node, ua.Variant(state, ua.VariantType.String), GOOD, moment)
        await self._show_lockouts(moment)
        for node, setpoint in self._nodes.setpoints.items():
            await self._write_number(node, self._controls.value(setpoint), moment)
            await self._show_bounds(node, setpoint)
        await self._show_alarms()

    async def _scan_blocks(self) -> None:
        now = datetime.now(UTC)
        for node, block in self._blocks.items():
            block.scan(now)
            for name in (
                "result",
                "echo_id",
                "strobe",
            ):  # Who sees the echo may rely on the result.
                value = ua.Variant(block.tags[name], PARTS[name].kind)
                await self._write(part_id(node, name), value, GOOD, now)

    async def _show_lockouts(self, moment: datetime) -> None:
        for node, asset in self._nodes.lockouts.items():
            on = ua.Variant(self._controls.is_locked_out(asset), ua.VariantType.Boolean)
            await self._write(node, on, GOOD, moment)

    async def _show_bounds(self, node: ua.NodeId, setpoint: Setpoint) -> None:
        """Only bounds that can move are told again."""
        bounds = self._controls.bounds(setpoint)
        if bounds is not setpoint.bounds:
            span = ua.Variant(ua.Range(bounds.low or 0.0, bounds.high or 0.0))
            await self._write(part_id(node, "EURange"), span, GOOD, self._simulation.now)

    async def _show_alarms(self) -> None:
        for alarm, standing in self._simulation.alarms.standing.items():
            state = (standing.active, standing.acknowledged, standing.changed)
            if self._shown.get(alarm) == state:
                continue
            self._shown[alarm] = state
            for node, value in condition_values(self._nodes.conditions[alarm], standing):
                await self._write(node, value, GOOD, self._simulation.now)

    async def _write_number(self, node: ua.NodeId, value: float, moment: datetime) -> None:
        good = not isnan(value)
        variant = ua.Variant(value if good else 0.0, ua.VariantType.Double)
        await self._write(node, variant, GOOD if good else LOST, moment)

    async def _write(
        self, node: ua.NodeId, value: ua.Variant, code: ua.StatusCode, moment: datetime
    ) -> None:
        await self._server.iserver.write_attribute_value(node, stamped(value, code, moment))

    def _link(self) -> None:
        """Connect methods, setpoints and command blocks with the plant."""
        nodes, session = self._nodes, self._server.iserver.isession
        guard_server(self._server.iserver, self._inputs())
        for node, (asset, command) in nodes.commands.items():
            session.add_method_callback(node, self._command(asset, command))
        for node, alarm in nodes.acknowledge.items():
            session.add_method_callback(node, self._acknowledge(alarm))
        session.add_method_callback(nodes.inject, self._inject)
        session.add_method_callback(nodes.clear, self._clear)
        session.add_method_callback(nodes.lock_out, self._lock_out)

    def _inputs(self) -> dict[ua.NodeId, Input]:
        """Everything the executor may write."""
        inputs = {
            node: Input(ua.VariantType.Double, partial(self._controls.set, setpoint))
            for node, setpoint in self._nodes.setpoints.items()
            if is_plain_tag(setpoint)
        }
        for node, setpoint in self._nodes.blocks.items():
            block = CommandBlock(
                partial(self._controls.set, setpoint),
                partial(self._controls.is_ready, setpoint.asset),
            )
            self._blocks[node] = block
            for name, part in PARTS.items():
                if part.written:
                    take = partial(block.write, name)
                    inputs[part_id(node, name)] = Input(part.kind, take)
        return inputs

    def _command(self, asset: str, command: Command) -> Any:
        async def carry_out(parent: ua.NodeId, *arguments: ua.Variant) -> Any:
            return [] if self._controls.command(asset, command) else NOT_NOW

        return carry_out

    def _acknowledge(self, alarm: str) -> Any:
        async def acknowledge(parent: ua.NodeId, *arguments: ua.Variant) -> Any:
            return [] if self._simulation.acknowledge(alarm) else NOT_NOW

        return acknowledge

    async def _inject(self, parent: ua.NodeId, *arguments: ua.Variant) -> Any:
        try:
            fault, asset, severity, ramp = (argument.Value for argument in arguments)
            self._simulation.inject(str(fault), str(asset), float(severity), float(ramp))
        except (KeyError, ValueError):
            return WRONG
        return []

    async def _lock_out(self, parent: ua.NodeId, *arguments: ua.Variant) -> Any:
        try:
            asset, on = (argument.Value for argument in arguments)
            self._controls.lock_out(str(asset), bool(on))
        except (KeyError, ValueError):
            return WRONG
        await self._show_lockouts(self._simulation.now)
        return []

    async def _clear(self, parent: ua.NodeId, *arguments: ua.Variant) -> Any:
        self._simulation.crew.clear(self._simulation.plant)
        return []


def _bound_port(server: Server) -> int:
    """The port the system has given us."""
    listener: Any = server.bserver
    return int(listener._server.sockets[0].getsockname()[1])
