"""The process behind `faults.plc`: PORT FILLERS URI ORDERS JOURNAL."""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.crypto.permission_rules import SimpleRoleRuleset, User, UserRole
from asyncua.server.address_space import AttributeService
from asyncua.server.user_managers import UserManager
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

URI = "urn:works"
USER, PASSWORD = "executor", "secret"
SCAN_S = 0.05
RESTED = timedelta(seconds=10)  # How long every tag has been as it is at the start.
BLOCK = "M-1.pressure_command"
BAR = (0.0, 10.0)
BLOCK_BAR = (0.0, 9.5)
ACKED = "M-1.hot.AckedState.Id"


@dataclass(slots=True)
class _Tag:
    """What one variable holds and shows."""

    node_id: ua.NodeId
    kind: ua.VariantType
    initial: Any
    value: Any
    before: Any = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC) - RESTED)
    shows: str = ""
    turn: bool = False


class Users(UserManager):
    """The executor by its password, anybody else without a name."""

    def get_user(
        self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None
    ) -> User | None:
        if username is None:
            return User(UserRole.User, "anonymous")
        known = (username, password) == (USER, PASSWORD)
        return User(UserRole.User, USER) if known else None


class Controller(AttributeService):
    """The controller's program: takes writes and calls, and shows what it holds."""

    def __init__(self, server: Server, index: int, orders: Path, journal: Path) -> None:
        super().__init__(server.iserver.aspace)
        self._server = server
        self._index = index
        self._orders = orders
        self._journal = journal
        self._followed = 0
        self._running = False
        self._answers: dict[str, dict[str, Any]] = {}
        self._tags: dict[str, _Tag] = {}
        self._echoed: set[str] = set()

    async def add(
        self, parent: Any, name: str, value: Any, kind: ua.VariantType, *, writable: bool = False
    ) -> Any:
        """A tag; its identifier is `name`."""
        node_id = ua.NodeId(name, self._index)
        space = 0 if name.startswith("M-1.hot") else self._index
        node = await parent.add_variable(
            node_id, f"{space}:{name.rpartition('.')[2]}", ua.Variant(value, kind)
        )
        if writable:
            await node.set_writable()
        self._tags[name] = _Tag(node_id, kind, value, value)
        return node

    def read(self, params: ua.ReadParameters) -> list[ua.DataValue]:
        """The Read service, after pending orders have been followed."""
        self.follow_orders()
        values = super().read(params)
        for position, asked in enumerate(params.NodesToRead):
            name = str(asked.NodeId.Identifier)
            tag = self._tags.get(name)
            if tag is None or tag.node_id != asked.NodeId:
                continue
            if asked.AttributeId == AttributeIds.Value:
                values[position] = _shown(tag)
        return values

    async def write(
        self,
        params: ua.WriteParameters,
        user: User = User(role=UserRole.Admin),  # noqa: B008
    ) -> list[ua.StatusCode]:
        """The Write service: one status code an item."""
        if user.role == UserRole.Admin:
            return await super().write(params, user)
        self.follow_orders()
        statuses = [self._write_one(item, user) for item in params.NodesToWrite]
        self._look_at_block()
        return statuses

    def call(self, name: str, state: str) -> Any:
        """The method `name`, which brings the machine to a state."""

        async def carry_out(parent: ua.NodeId, *arguments: ua.Variant) -> Any:
            self.follow_orders()
            if self._tags["M-1.lockout"].value:
                return _status("BadInvalidState")
            status, takes = self._answer(name)
            if takes:
                self._note(name, True)
                self._set("M-1.state", state)
            return [] if status.is_good() and status.value == 0 else status

        return carry_out

    async def acknowledge(self, parent: ua.NodeId, *arguments: ua.Variant) -> Any:
        """The alarm's Acknowledge method."""
        self.follow_orders()
        event, comment = (argument.Value for argument in arguments)
        if event != self._tags["M-1.hot.EventId"].value:
            return _status("BadEventIdUnknown")
        if self._tags[ACKED].value:
            return _status("BadConditionBranchAlreadyAcked")
        self._note("M-1.hot.Acknowledge", comment.Text)
        self._set(ACKED, True)
        return []

    def _write_one(self, item: ua.WriteValue, user: User) -> ua.StatusCode:
        name = str(item.NodeId.Identifier)
        tag = self._tags.get(name)
        if tag is None or tag.node_id != item.NodeId:
            self._note("wrong node", str(item.NodeId))
            return _status("BadNodeIdUnknown")
        access = super().read(
            ua.ReadParameters(
                NodesToRead=[ua.ReadValueId(item.NodeId, AttributeIds.UserAccessLevel)]
            )
        )
        if user.name != USER or not access[0].Value.Value & (1 << ua.AccessLevel.CurrentWrite):
            return _status("BadUserAccessDenied")
        if item.Value.SourceTimestamp or item.Value.ServerTimestamp:
            return _status("BadWriteNotSupported")
        if item.Value.Value.VariantType is not tag.kind:
            return _status("BadTypeMismatch")
        status, takes = self._answer(name)
        if takes:
            self._take(name, item.Value.Value.Value)
        return status

    def _take(self, name: str, value: Any) -> None:
        if not name.startswith(BLOCK):
            self._note(name, value)
        tag = self._tags[name]
        shows = self._answers.get(name, {}).get("shows", "")
        if shows == "clamped":
            value = (tag.value + value) / 2
        tag.before, tag.value, tag.shows = tag.value, value, shows
        if shows != "stale":
            tag.since = datetime.now(UTC)
        if name == "M-1.reset" and value:
            self._set("M-1.state", "reset")
            self._set("M-1.reset", False)

    def _answer(self, name: str) -> tuple[ua.StatusCode, bool]:
        answer = self._answers.get(name, {})
        status = _status(answer.get("status", "Good"))
        return status, answer.get("takes", not status.is_bad())

    def _look_at_block(self) -> None:
        """The command block: each id once, and only in time."""
        tags = {name: self._tags[f"{BLOCK}.{name}"] for name in _BLOCK}
        if not tags["strobe"].value:
            return
        self._set(f"{BLOCK}.strobe", False)
        command = tags["command_id"].value
        if command in self._echoed or self._answers.get(BLOCK, {}).get("deaf"):
            return
        self._echoed.add(command)
        expires = tags["expires_at"].value
        if expires.tzinfo is None:
            expires = expires.replace(tzinfo=UTC)
        if datetime.now(UTC) > expires:
            result = 2
        elif not BAR[0] <= tags["value"].value <= BAR[1]:
            result = 3
        elif self._tags["M-1.lockout"].value:
            result = 4
        else:
            result = 1
            self._note("M-1.pressure_setpoint", tags["value"].value)
            self._set("M-1.pressure_setpoint", tags["value"].value)
        self._set(f"{BLOCK}.result", result)
        self._set(f"{BLOCK}.echo_id", command)

    def _set(self, name: str, value: Any) -> None:
        tag = self._tags[name]
        if name == "M-1.hot.EventId" and isinstance(value, str):
            value = value.encode()
        tag.value, tag.shows, tag.since = value, "", datetime.now(UTC)

    def follow_orders(self) -> None:
        """Do what has been ordered since the last request."""
        lines = self._orders.read_text(encoding="utf-8").splitlines()
        for line in lines[self._followed :]:
            order = json.loads(line)
            if order["reset"]:
                self._reset()
            self._answers |= order["answers"]
            # A restart forgets values, but not how the controller is broken.
            values = order["values"] if self._running else {}
            for name, value in values.items():
                self._set(name, value)
        self._followed, self._running = len(lines), True

    def _reset(self) -> None:
        self._answers.clear()
        self._echoed.clear()
        for name, tag in self._tags.items():
            self._set(name, tag.initial)
            tag.since -= RESTED

    def _note(self, name: str, value: Any) -> None:
        with self._journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps({"node": name, "value": value}) + "\n")


_BLOCK = {
    "command_id": ("", ua.VariantType.String, True),
    "value": (0.0, ua.VariantType.Double, True),
    "expires_at": (datetime(2000, 1, 1, tzinfo=UTC), ua.VariantType.DateTime, True),
    "strobe": (False, ua.VariantType.Boolean, True),
    "echo_id": ("", ua.VariantType.String, False),
    "result": (0, ua.VariantType.Int32, False),
}


def _shown(tag: _Tag) -> ua.DataValue:
    """The tag as it is shown: numbers with the time of the newest scan."""
    scanned = datetime.fromtimestamp(datetime.now(UTC).timestamp() // SCAN_S * SCAN_S, UTC)
    time = max(scanned, tag.since)
    value, status = tag.value, ua.StatusCode()
    match tag.shows:
        case "stale":
            value, time = tag.before, tag.since
        case "bad":
            value, status = None, _status("BadSensorFailure")
        case "uncertain":
            status = _status("UncertainLastUsableValue")
        case "oscillating":
            tag.turn = not tag.turn
            value = tag.value if tag.turn else tag.before
    return ua.DataValue(
        ua.Variant(value, tag.kind if value is not None else ua.VariantType.Null),
        status,
        SourceTimestamp=time,
        ServerTimestamp=datetime.now(UTC),
    )


def _status(name: str) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(getattr(StatusCodes, name)))


async def _build(controller: Controller, server: Server, index: int) -> None:
    double, boolean = ua.VariantType.Double, ua.VariantType.Boolean
    machine = await server.nodes.objects.add_object(ua.NodeId("M-1", index), f"{index}:M-1")
    for name, value, kind, span, unit, writable in (
        ("speed_setpoint", 1000.0, double, (500.0, 1500.0), "rpm", True),
        ("count_setpoint", 40, ua.VariantType.Int32, None, "", True),
        ("torque_setpoint", 3.5, ua.VariantType.Float, (0.0, 20.0), "Nm", True),
        ("trip_setpoint", 1800.0, double, None, "rpm", False),
        ("pressure_setpoint", 6.0, double, BAR, "bar", False),
        ("temperature", 61.0, double, None, "°C", False),
    ):
        node = await controller.add(machine, f"M-1.{name}", value, kind, writable=writable)
        if span:
            await node.add_property(0, "EURange", ua.Range(*span))
        if unit:
            text = ua.LocalizedText(unit)
            await node.add_property(0, "EngineeringUnits", ua.EUInformation(DisplayName=text))
    await controller.add(machine, "M-1.state", "running", ua.VariantType.String)
    await controller.add(machine, "M-1.lockout", False, boolean)
    await controller.add(machine, "M-1.reset", False, boolean, writable=True)
    for name, state in (("start", "running"), ("stop", "stopped")):
        method = controller.call(f"M-1.{name}", state)
        await machine.add_method(ua.NodeId(f"M-1.{name}", index), f"{index}:{name}", method)
    block = await machine.add_folder(ua.NodeId(BLOCK, index), f"{index}:pressure_command")
    for name, (value, kind, writable) in _BLOCK.items():
        node = await controller.add(block, f"{BLOCK}.{name}", value, kind, writable=writable)
        if name == "value":
            await node.add_property(0, "EURange", ua.Range(*BLOCK_BAR))
    await _add_alarm(controller, machine, index)


async def _add_alarm(controller: Controller, machine: Any, index: int) -> None:
    condition = await machine.add_object(ua.NodeId("M-1.hot", index), f"{index}:hot")
    for state, value in (("ActiveState", True), ("AckedState", False)):
        part = await condition.add_variable(
            ua.NodeId(f"M-1.hot.{state}", index), f"0:{state}", ua.LocalizedText(str(value))
        )
        name = f"M-1.hot.{state}.Id"
        await controller.add(part, name, value, ua.VariantType.Boolean)
    await controller.add(condition, "M-1.hot.EventId", b"event-1", ua.VariantType.ByteString)
    raised = datetime.now(UTC)
    await controller.add(condition, "M-1.hot.Time", raised, ua.VariantType.DateTime)
    await condition.add_method(
        ua.NodeId("M-1.hot.Acknowledge", index),
        "0:Acknowledge",
        controller.acknowledge,
        [ua.VariantType.ByteString, ua.VariantType.LocalizedText],
    )


async def serve(port: int, fillers: int, uri: str, orders: Path, journal: Path) -> None:
    """Listen on the port until the process ends."""
    server = Server(user_manager=Users())
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity], SimpleRoleRuleset())
    server.set_identity_tokens([ua.AnonymousIdentityToken, ua.UserNameIdentityToken])
    for number in range(fillers):
        await server.register_namespace(f"urn:filler:{number}")
    index = await server.register_namespace(uri)
    controller = Controller(server, index, orders, journal)
    await _build(controller, server, index)
    controller.follow_orders()
    server.iserver.attribute_service = controller
    async with server:
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    port, fillers, uri, orders, journal = sys.argv[1:]
    asyncio.run(serve(int(port), int(fillers), uri, Path(orders), Path(journal)))
