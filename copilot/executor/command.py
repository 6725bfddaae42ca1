"""Commands a machine: calls a method or sets a command tag; the machine's state is the proof."""

from dataclasses import dataclass

from asyncua import ua

from copilot.executor.node import check_callable, examine, node_class, owner_of, resolve
from copilot.executor.opcua_write import WriteConnection
from copilot.executor.outcome import NOT_SENT, Effect, LastLook, Seen, Sent, unasked
from copilot.executor.watch import watch
from copilot_tools.changes import Change
from copilot_tools.errors import Denied
from copilot_tools.facts import Quality
from copilot_tools.site.model import Command, Node, SafetyClass, Site
from copilot_tools.sources.opcua_connection import Link
from copilot_tools.sources.protocols import Reading

_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class _Ready:
    """How the command is given: `owner` is the object of a method, None for a command tag."""

    change: Change
    link: Link
    node_id: ua.NodeId
    owner: ua.NodeId | None


class CommandActuator:
    """Start, stop, reset and the like."""

    def __init__(self, site: Site, opcua: WriteConnection) -> None:
        self._site = site
        self._opcua = opcua
        self._ready: dict[str, _Ready] = {}

    async def prepare(self, change: Change) -> None:
        """Check that the command can be given and its effect be seen; raises Denied."""
        command = self._configured(change)
        if command.safety is SafetyClass.SIS:
            raise Denied(f"{command.id} belongs to the safety system and is never given")
        if not command.allowed:
            raise Denied(f"{command.id} is not allowed in the plant model")
        state_node = self._state_node(command)
        if not command.expects:
            raise Denied(f"{command.id}: the plant model names no state that would show its effect")
        (state,) = await self._opcua.telemetry.read([state_node])
        if state.value in command.expects:
            raise Denied(f"{command.asset} is {state.value} already; {command.name} would not show")
        self._ready[command.id] = await self._opcua.read(
            lambda link: _find_way(link, command, change)
        )

    async def send(self, change: Change, key: str, last_look: LastLook = unasked) -> Sent:
        """Give the prepared command, once, on the session it was checked on."""
        ready = self._ready.pop(change.target.key, None)
        if ready is None or ready.change != change:
            raise Denied(f"{change.target.key}: the command was not prepared; nothing was sent")
        if await self._opcua.server_time(ready.link) is None:
            return NOT_SENT
        await last_look()
        if ready.owner is not None:
            return await self._opcua.call(ready.link, ready.owner, ready.node_id)
        on = ua.Variant(True, ua.VariantType.Boolean)
        (sent,) = await self._opcua.write(ready.link, (ready.node_id, on))
        return sent

    async def read_back(self, change: Change, key: str) -> Seen:
        """Whether the machine comes to one of the expected states within the settle time."""
        command = self._configured(change)
        state_node = self._state_node(command)

        async def look() -> Reading:
            (reading,) = await self._opcua.telemetry.read([state_node])
            return reading

        def judge(reading: Reading) -> Effect:
            if reading.quality is not Quality.GOOD:
                return "unclear"
            if reading.value in command.expects:
                return "applied"
            return "not_applied" if reading.value == change.old else "unclear"

        pause_s = min(_PAUSE_S, command.settle_s / 2)
        looks = 1 + int(command.settle_s / pause_s)
        return await watch(look, judge, delay_s=0, pause_s=pause_s, looks=looks)

    def _configured(self, change: Change) -> Command:
        command = self._site.command(change.target.key)
        if command is None or command.node != change.target.node:
            raise Denied(
                f"{change.target.key} is not the node in the plant model that was approved"
            )
        return command

    def _state_node(self, command: Command) -> Node:
        node = self._site.assets[command.asset].state_node
        if node is None:
            raise Denied(f"{command.id}: {command.asset} has no state in the plant model to see it")
        return node


async def _find_way(link: Link, command: Command, change: Change) -> _Ready:
    node_id = await resolve(link, command.node, command.id)
    if await node_class(link, node_id, command.id) is ua.NodeClass.Method:
        await check_callable(link, node_id, command.id)
        return _Ready(change, link, node_id, await owner_of(link, node_id, command.id))
    variable = await examine(link, command.node, command.id)
    if variable.type is not ua.VariantType.Boolean:
        raise Denied(f"{command.id}: its node is neither a method nor a switch")
    return _Ready(change, link, node_id, None)
