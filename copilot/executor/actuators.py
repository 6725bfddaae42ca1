"""What carries a change out: one actuator a tool; each checks, sends once, and looks at the effect.

The order is always the same: `prepare`, which sends nothing and may refuse; then, once the intent
is on record, `send`; then `read_back`, as often as somebody wants to know. `send` uses up what
`prepare` found, so calling it again sends nothing.
"""

from collections.abc import Mapping
from typing import Protocol

from copilot.executor.acknowledge import AcknowledgeActuator
from copilot.executor.command import CommandActuator
from copilot.executor.handshake import HandshakeActuator
from copilot.executor.opcua_write import WriteConnection
from copilot.executor.outcome import Effect, LastLook, Outcome, Seen, Sent, unasked
from copilot.executor.setpoint import SetpointActuator
from copilot_tools.changes import Change
from copilot_tools.site.model import Site

__all__ = ["Actuator", "Effect", "Outcome", "Seen", "Sent", "actuators"]

RECORDS = ("create_work_order", "reserve_part", "request_purchase", "hold_batch")


class Actuator(Protocol):
    """Carries out the changes of one tool."""

    async def prepare(self, change: Change) -> None:
        """Check that the change can be sent as it stands; nothing is sent.

        Raises Denied when the plant says it cannot be, Unavailable when the plant does not answer.
        """

    async def send(self, change: Change, key: str, last_look: LastLook = unasked) -> Sent:
        """Send a prepared change, once; `key` is the id of its proposal. A fault is an outcome.

        `last_look` is asked when nothing but the acting request is left to do. Raises Denied when
        the change is not prepared, or as `last_look` does; then nothing was sent.
        """

    async def read_back(self, change: Change, key: str) -> Seen:
        """Whether the change shows after its settle time, which is waited for here.

        A plant that cannot be read is an effect, too: unclear. Raises Denied when the plant model
        means another node by the target than the one that was approved.
        """


def actuators(site: Site, opcua: WriteConnection, erp: Actuator) -> Mapping[str, Actuator]:
    """The actuator of every tool that may change something; `erp` makes the records."""
    plain, block = SetpointActuator(site, opcua), HandshakeActuator(site, opcua)
    return {
        "write_setpoint": _BySetpoint(site, plain, block),
        "send_command": CommandActuator(site, opcua),
        "acknowledge_alarm": AcknowledgeActuator(site, opcua),
        **dict.fromkeys(RECORDS, erp),
    }


class _BySetpoint:
    """Setpoints with a command block go through it, the others are written as plain tags."""

    def __init__(self, site: Site, plain: Actuator, handshake: Actuator) -> None:
        self._site = site
        self._plain = plain
        self._handshake = handshake

    async def prepare(self, change: Change) -> None:
        await self._of(change).prepare(change)

    async def send(self, change: Change, key: str, last_look: LastLook = unasked) -> Sent:
        return await self._of(change).send(change, key, last_look)

    async def read_back(self, change: Change, key: str) -> Seen:
        return await self._of(change).read_back(change, key)

    def _of(self, change: Change) -> Actuator:
        setpoint = self._site.setpoint(change.target.key)
        return self._handshake if setpoint and setpoint.handshake else self._plain
