"""A small works to be worked on while processes are killed: its controller notes every write."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AddressSpace, AttributeService
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.attribute_ids import AttributeIds
from sqlalchemy import create_engine

from copilot_tools.sources import tables

URI = "urn:crash"
TAGS = 6
START = 1000.0

_HEAD = """\
[site]
id = "crash"
name = "Works"
time_zone = "Europe/Berlin"
namespace = "urn:crash"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "M-1"
name = "Mixer"
kind = "mixer"
area = "A"
state = "s=state"
lockout = "s=lockout"
"""
_SETPOINT = """\
[[asset.setpoint]]
name = "tag {number}"
node = "s=tag {number}"
unit = "rpm"
bounds = [0.0, 1000000.0]
resolution = 1.0
tolerance = 0.1
settle_s = 0.02
writable = true
"""
SITE = _HEAD + "".join(_SETPOINT.format(number=number) for number in range(TAGS))


_ANYBODY = User(UserRole.Admin, "anybody")


class _Anybody(UserManager):
    def get_user(self, *_: Any, **__: Any) -> User:
        return _ANYBODY


class _Controller(AttributeService):
    """Takes every write of a client, notes it, and shows what it holds as fresh."""

    def __init__(self, aspace: AddressSpace, journal: Path) -> None:
        super().__init__(aspace)
        self._journal = journal
        self._running = False

    def listen(self) -> None:
        """From now on writes come from clients."""
        self._running = True

    def read(self, params: ua.ReadParameters) -> list[ua.DataValue]:
        """The Read service; source times are those of the last scan, which is now."""
        now: Any = datetime.now(UTC)
        values: list[ua.DataValue] = super().read(params)
        for position, asked in enumerate(params.NodesToRead):
            if asked.AttributeId == AttributeIds.Value and asked.NodeId.NamespaceIndex > 1:
                value = values[position].Value
                values[position] = ua.DataValue(value, SourceTimestamp=now, ServerTimestamp=now)
        return values

    async def write(self, params: ua.WriteParameters, user: User = _ANYBODY) -> list[ua.StatusCode]:
        """The Write service; a write is in the journal before it is answered."""
        if self._running:
            with self._journal.open("a", encoding="utf-8") as journal:
                for item in params.NodesToWrite:
                    journal.write(f"{item.NodeId.Identifier}={item.Value.Value.Value:.0f}\n")
        statuses: list[ua.StatusCode] = await super().write(params, user)
        return statuses


async def serve(port: int, journal: Path, ready: Callable[[], None]) -> None:
    """Listen until the process ends; `ready` is called once it does."""
    server = Server(user_manager=_Anybody())
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(URI)
    controller = _Controller(server.iserver.aspace, journal)
    server.iserver.attribute_service = controller
    machine = await server.nodes.objects.add_object(_node("M-1", index), f"{index}:M-1")
    values = {"state": "running", "lockout": False}
    values |= {f"tag {number}": START for number in range(TAGS)}
    for name, value in values.items():
        node = await machine.add_variable(_node(name, index), f"{index}:{name}", value)
        if name.startswith("tag"):
            await node.set_writable()
    async with server:
        controller.listen()
        ready()
        await asyncio.Event().wait()


def _node(name: str, namespace: int) -> ua.NodeId:
    return ua.NodeId.from_string(f"ns={namespace};s={name}")


def written(journal: Path) -> list[str]:
    """Every write the controller has taken: "tag 3=1017"."""
    return journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []


def make_erp(path: Path) -> None:
    """An empty plant database."""
    engine = create_engine(f"sqlite:///{path}")
    tables.metadata.create_all(engine)
    engine.dispose()
