"""Acknowledges an alarm by the method of its condition object (OPC UA Part 9, ISA-18.2)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from copilot.executor.node import check_callable, find_parts, read_attributes, resolve
from copilot.executor.opcua_write import WriteConnection
from copilot.executor.outcome import NOT_SENT, Effect, LastLook, Seen, Sent, unasked
from copilot.executor.watch import watch
from copilot_tools.changes import Change
from copilot_tools.errors import Denied
from copilot_tools.facts import Quality
from copilot_tools.site.model import AlarmDefinition, Site
from copilot_tools.sources.opcua_alarms import ACKNOWLEDGED
from copilot_tools.sources.opcua_connection import Link
from copilot_tools.sources.protocols import Reading

SETTLE_S = 3.0
_PAUSE_S = 0.5
_STANDARD = ua.NodeId.from_string("i=9111")


@dataclass(frozen=True, slots=True)
class _Ready:
    change: Change
    link: Link
    condition: ua.NodeId
    method: ua.NodeId
    event: bytes | None


class AcknowledgeActuator:
    """Alarms, acknowledged with the comment of whoever confirmed it."""

    def __init__(self, site: Site, opcua: WriteConnection) -> None:
        self._alarms = {alarm.id: alarm for alarm in site.alarms()}
        self._opcua = opcua
        self._ready: dict[str, _Ready] = {}

    async def prepare(self, change: Change) -> None:
        """Check that the alarm waits to be acknowledged and may be; raises Denied."""
        alarm = self._configured(change)
        self._ready[alarm.id] = await self._opcua.read(lambda link: _find_way(link, alarm, change))

    async def send(self, change: Change, key: str, last_look: LastLook = unasked) -> Sent:
        """Call the condition's Acknowledge method, once, on the session it was checked on."""
        ready = self._ready.pop(change.target.key, None)
        if ready is None or ready.change != change:
            raise Denied(f"{change.target.key}: the change was not prepared; nothing was sent")
        if await self._opcua.server_time(ready.link) is None:
            return NOT_SENT
        await last_look()
        return await self._opcua.call(
            ready.link,
            ready.condition,
            ready.method,
            ua.Variant(ready.event, ua.VariantType.ByteString),
            ua.Variant(ua.LocalizedText(change.reason), ua.VariantType.LocalizedText),
        )

    async def read_back(self, change: Change, key: str) -> Seen:
        """Whether the condition comes to say that it is acknowledged."""
        alarm = self._configured(change)

        async def look() -> Reading:
            return await self._opcua.read(lambda link: _read_acknowledged(link, alarm))

        def judge(reading: Reading) -> Effect:
            if reading.quality is not Quality.GOOD or not isinstance(reading.value, bool):
                return "unclear"
            return "applied" if reading.value else "not_applied"

        looks = 1 + int(SETTLE_S / _PAUSE_S)
        return await watch(look, judge, delay_s=0, pause_s=_PAUSE_S, looks=looks)

    def _configured(self, change: Change) -> AlarmDefinition:
        alarm = self._alarms.get(change.target.key)
        if alarm is None or alarm.node != change.target.node:
            raise Denied(
                f"{change.target.key} is not the alarm in the plant model that was approved"
            )
        return alarm


async def _find_way(link: Link, alarm: AlarmDefinition, change: Change) -> _Ready:
    condition = await resolve(link, alarm.node, alarm.id)
    parts = [ACKNOWLEDGED, ("Acknowledge",), ("EventId",)]
    acknowledged, own, event_node = await find_parts(link, condition, parts)
    if acknowledged is None:
        raise Denied(f"{alarm.id}: the OPC UA server has no alarm that can be acknowledged there")
    (done,) = await read_attributes(link, acknowledged, AttributeIds.Value)
    if done is not False:
        raise Denied(f"{alarm.id} is acknowledged already, or cannot be read")
    if own is not None:
        await check_callable(link, own, alarm.id, arguments=2)
    event = (await read_attributes(link, event_node, AttributeIds.Value))[0] if event_node else None
    known = event if isinstance(event, bytes) else None
    return _Ready(change, link, condition, own or _STANDARD, known)


async def _read_acknowledged(link: Link, alarm: AlarmDefinition) -> Reading:
    condition = await resolve(link, alarm.node, alarm.id)
    (node_id,) = await find_parts(link, condition, [ACKNOWLEDGED])
    if node_id is None:
        return Reading(alarm.node, None, Quality.BAD, datetime.now(UTC), "the alarm is not there")
    (answer,) = await link.read([node_id])
    status = answer.StatusCode or ua.StatusCode()
    time = answer.SourceTimestamp or answer.ServerTimestamp or datetime.now(UTC)
    value = answer.Value.Value if answer.Value else None
    quality = Quality.GOOD if status.is_good() and isinstance(value, bool) else Quality.BAD
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return Reading(alarm.node, value, quality, aware, status.name)
