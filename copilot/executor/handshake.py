"""Writes a setpoint through a controller's command block, which takes each command id at most once.

The block is a folder of tags: `command_id`, `value`, `expires_at` and `strobe` are written,
`echo_id` and `result` are the controller's answer. The values are written first and do nothing; the
strobe makes the controller look at them, once. It turns down an id it has seen and a command past
its time, so a request that is held up on the way cannot be carried out later, and an outcome that
got lost can be asked for again. It is asked for by reading the echo, never by sending again.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from asyncua import ua

from copilot.executor.node import Variable, examine, read_values
from copilot.executor.opcua_write import WriteConnection
from copilot.executor.outcome import NOT_SENT, Effect, LastLook, Seen, Sent, unasked
from copilot.executor.setpoint import check_tellable, configured, fitting, permitted, watch_value
from copilot_tools.changes import Change
from copilot_tools.errors import Denied, Unavailable
from copilot_tools.site.model import Node, Setpoint, Site
from copilot_tools.sources.opcua_connection import Link

VALID_S = 5.0
TAKEN = 1
ANSWERS = {
    TAKEN: "the controller took the command",
    2: "the controller found the command expired",
    3: "the controller found the value out of range",
    4: "the controller does not take commands now",
}
_PAUSE_S = 0.2
_PARTS = {  # Whether the executor writes it.
    "command_id": True,
    "value": True,
    "expires_at": True,
    "strobe": True,
    "echo_id": False,
    "result": False,
}
_TYPES = {
    "command_id": ua.VariantType.String,
    "expires_at": ua.VariantType.DateTime,
    "strobe": ua.VariantType.Boolean,
    "echo_id": ua.VariantType.String,
}


@dataclass(frozen=True, slots=True)
class _Ready:
    change: Change
    link: Link
    parts: dict[str, Variable]
    value: ua.Variant


class HandshakeActuator:
    """Setpoints whose controller has a command block; a command expires after `valid_s`."""

    def __init__(self, site: Site, opcua: WriteConnection, valid_s: float = VALID_S) -> None:
        self._site = site
        self._opcua = opcua
        self._valid_s = valid_s
        self._ready: dict[str, _Ready] = {}

    async def prepare(self, change: Change) -> None:
        """Check the setpoint, and that its command block is whole and idle; raises Denied."""
        setpoint = permitted(self._site, change)
        self._ready[setpoint.id] = await self._opcua.read(
            lambda link: _examine_block(link, setpoint, change)
        )

    async def send(self, change: Change, key: str, last_look: LastLook = unasked) -> Sent:
        """Fill the block, then strobe it, once each, and wait for the controller's answer."""
        ready = self._ready.pop(change.target.key, None)
        if ready is None or ready.change != change:
            raise Denied(f"{change.target.key}: the change was not prepared; nothing was sent")
        now = await self._opcua.server_time(ready.link)
        if now is None:
            return NOT_SENT
        for filled in await self._fill(ready, key, now + timedelta(seconds=self._valid_s)):
            if filled.outcome != "good":
                return Sent("refused", f"the command was never strobed: {filled.status}")
        await last_look()
        on = ua.Variant(True, ua.VariantType.Boolean)
        (strobed,) = await self._opcua.write(ready.link, (ready.parts["strobe"].node_id, on))
        if strobed.outcome == "refused":
            return strobed
        answer = await self._await_echo(configured(self._site, change), key)
        if answer is None:
            return Sent("uncertain", f"the controller did not answer the strobe ({strobed.status})")
        return Sent("good" if answer == TAKEN else "refused", ANSWERS[answer])

    async def read_back(self, change: Change, key: str) -> Seen:
        """What the controller answered to this command id, and whether the value shows."""
        setpoint = configured(self._site, change)
        answer = await self._await_echo(setpoint, key)
        seen = await watch_value(self._opcua, setpoint, change, written=None)
        if answer is None:
            # Past its time it will not be taken any more; the old value is the proof.
            effect: Effect = "not_applied" if seen.effect == "not_applied" else "unclear"
            return replace(seen, effect=effect, status="the controller never echoed the command")
        if answer != TAKEN:
            return replace(seen, effect="not_applied", status=ANSWERS[answer])
        if seen.effect == "applied":
            return seen
        return replace(seen, effect="unclear", status=f"{ANSWERS[TAKEN]}, its value does not show")

    async def _fill(self, ready: _Ready, key: str, expires: datetime) -> list[Sent]:
        values = {
            "value": ready.value,
            "command_id": ua.Variant(key, ua.VariantType.String),
            "expires_at": ua.Variant(expires, ua.VariantType.DateTime),
        }
        items = [(ready.parts[name].node_id, value) for name, value in values.items()]
        return await self._opcua.write(ready.link, *items)

    async def _await_echo(self, setpoint: Setpoint, key: str) -> int | None:
        """The controller's answer to this command id; None when the command's time runs out."""
        nodes = [_part(setpoint, "echo_id"), _part(setpoint, "result")]
        for _ in range(1 + int(self._valid_s / _PAUSE_S)):
            try:
                echo, result = await self._opcua.read(lambda link: read_values(link, nodes))
            except Unavailable:
                echo = result = None
            if echo == key and isinstance(result, int) and result in ANSWERS:
                return result
            await asyncio.sleep(_PAUSE_S)
        return None


async def _examine_block(link: Link, setpoint: Setpoint, change: Change) -> _Ready:
    shown = await examine(link, setpoint.node, setpoint.id, written=False)
    fitting(shown, setpoint, change.new)
    check_tellable(shown, setpoint, change)
    what = f"{setpoint.id}'s command block"
    found = await asyncio.gather(
        *(
            examine(link, _part(setpoint, name), f"{what}, {name}", written=written)
            for name, written in _PARTS.items()
        )
    )
    parts = dict(zip(_PARTS, found, strict=True))
    for name, kind in _TYPES.items():
        if parts[name].type is not kind:
            raise Denied(f"{what}: {name} is not of type {kind.name}")
    if parts["strobe"].value is not False:
        raise Denied(f"{what} is busy with another command")
    return _Ready(change, link, parts, fitting(parts["value"], setpoint, change.new))


def _part(setpoint: Setpoint, name: str) -> Node:
    folder = setpoint.handshake
    if folder is None:
        raise Denied(f"{setpoint.id} has no command block in the plant model")
    return Node(folder.namespace, f"{folder.identifier}.{name}")
