"""Live values from an OPC UA server, each with its quality and source time."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from asyncua import ua

from copilot_tools.facts import Quality, Value
from copilot_tools.site.model import Node
from copilot_tools.sources.opcua_connection import Link, OpcUaConnection
from copilot_tools.sources.opcua_security import ChannelSecurity
from copilot_tools.sources.protocols import Reading

_SERVER_TIME = ua.NodeId.from_string("i=2258")


class OpcUaTelemetry:
    """Telemetry over one connection; share `connection` with other readers of the same server.

    A number whose source time lags the server's clock by more than `stale_after_s` is stale: the
    server still answers, the instrument behind it does not. Texts and switches may rest for days.
    """

    def __init__(
        self,
        url: str,
        user: str | None = None,
        password: str | None = None,
        timeout_s: float = 2.0,
        stale_after_s: float = 60.0,
        application: str = "reader",
        security: ChannelSecurity | None = None,
    ) -> None:
        self.connection = OpcUaConnection(url, user, password, timeout_s, application, security)
        self._stale_after = timedelta(seconds=stale_after_s)

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        """The latest reading of each node; one that cannot be read is a bad reading, no error."""
        if not nodes:
            return []
        return await self.connection.call(lambda link: self._read(link, nodes))

    async def close(self) -> None:
        """Release the connection."""
        await self.connection.close()

    async def _read(self, link: Link, nodes: Sequence[Node]) -> list[Reading]:
        ids = [link.node_id(node) for node in nodes]
        known = [node_id for node_id in ids if node_id is not None]
        clock, *answers = await link.read([_SERVER_TIME, *known])
        now = _utc(clock.Value.Value if clock.Value else None) or datetime.now(UTC)
        found = iter(answers)
        return [
            self._reading(node, next(found), now)
            if node_id is not None
            else Reading(node, None, Quality.BAD, now, "the server does not know this namespace")
            for node, node_id in zip(nodes, ids, strict=True)
        ]

    def _reading(self, node: Node, answer: ua.DataValue, now: datetime) -> Reading:
        status = answer.StatusCode or ua.StatusCode()
        time = _utc(answer.SourceTimestamp) or _utc(answer.ServerTimestamp)
        if status.is_bad():
            return Reading(node, None, Quality.BAD, time or now, status.name)
        value = plain_value(answer.Value.Value if answer.Value else None)
        if value is None:
            return Reading(node, None, Quality.BAD, time or now, f"{status.name}, no usable value")
        if time is None:
            return Reading(node, value, Quality.UNCERTAIN, now, f"{status.name}, no source time")
        quality = Quality.UNCERTAIN if status.is_uncertain() else Quality.GOOD
        measured = isinstance(value, int | float) and not isinstance(value, bool)
        if measured and now - time > self._stale_after:
            quality = Quality.STALE
        return Reading(node, value, quality, time, status.name)


def plain_value(value: object) -> Value:
    """An OPC UA value as one of ours; None for arrays, structures, infinities and NaN."""
    match value:
        case bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return _utc(value)
        case ua.LocalizedText():
            return value.Text
    return None


def _utc(moment: object) -> datetime | None:
    """OPC UA times are UTC; the library gives some of them without saying so."""
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
