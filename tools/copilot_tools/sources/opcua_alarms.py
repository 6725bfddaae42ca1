"""Standing alarms read from the condition objects of an OPC UA server (Part 9, ISA-18.2)."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from asyncua import ua

from copilot_tools.errors import Unavailable
from copilot_tools.site.model import AlarmDefinition, Site
from copilot_tools.sources.opcua import OpcUaTelemetry, plain_value
from copilot_tools.sources.opcua_connection import SOURCE, Link
from copilot_tools.sources.protocols import AlarmState

ACTIVE = ("ActiveState", "Id")
ACKNOWLEDGED = ("AckedState", "Id")
RAISED = ("ActiveState", "TransitionTime")
CHANGED = ("Time",)
_PATHS = (ACTIVE, ACKNOWLEDGED, RAISED, CHANGED)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Condition:
    """Where the parts of one alarm's condition object are on the connected server."""

    definition: AlarmDefinition
    parts: dict[tuple[str, ...], ua.NodeId]


class OpcUaAlarms:
    """Alarms of the site's condition objects, read over the connection of the telemetry."""

    def __init__(self, telemetry: OpcUaTelemetry, site: Site) -> None:
        self._connection = telemetry.connection
        self._definitions = site.alarms()
        self._resolved: tuple[Link, list[_Condition]] | None = None

    async def standing(self) -> list[AlarmState]:
        """All alarms that are active, or cleared but not yet acknowledged, oldest first."""
        if not self._definitions:
            return []
        states = await self._connection.call(self._read)
        standing = [state for state in states if state.active or not state.acknowledged]
        return sorted(standing, key=lambda state: state.since)

    async def _read(self, link: Link) -> list[AlarmState]:
        conditions = await self._conditions(link)
        nodes = [node for condition in conditions for node in condition.parts.values()]
        answers = dict(zip(nodes, await link.read(nodes), strict=True))
        states = (_state(condition, answers) for condition in conditions)
        return [state for state in states if state is not None]

    async def _conditions(self, link: Link) -> list[_Condition]:
        """The site's conditions on this server; browse paths are resolved once per connection."""
        if self._resolved is None or self._resolved[0] is not link:
            self._resolved = (link, await _resolve(link, self._definitions))
        return self._resolved[1]


async def _resolve(link: Link, definitions: tuple[AlarmDefinition, ...]) -> list[_Condition]:
    known = [(d, node) for d in definitions if (node := link.node_id(d.node)) is not None]
    asked = [
        (index, path, _browse_path(node, path, namespace))
        for index, (_, node) in enumerate(known)
        for path in _PATHS
        # Servers that model conditions by hand put the names into their own namespace.
        for namespace in (0, node.NamespaceIndex)
    ]
    found: list[dict[tuple[str, ...], ua.NodeId]] = [{} for _ in known]
    for start in range(0, len(asked), link.read_limit):
        batch = asked[start : start + link.read_limit]
        results = await link.client.uaclient.session.translate_browsepaths_to_nodeids(
            [request for _, _, request in batch]
        )
        for (index, path, _), result in zip(batch, results, strict=True):
            if result.StatusCode.is_good() and result.Targets:
                found[index].setdefault(path, _local(result.Targets[0].TargetId))
    conditions = [
        _Condition(definition, parts)
        for (definition, _), parts in zip(known, found, strict=True)
        if ACTIVE in parts
    ]
    _report_missing(definitions, conditions)
    return conditions


def _report_missing(definitions: tuple[AlarmDefinition, ...], conditions: list[_Condition]) -> None:
    """No alarm at all must never look like a quiet plant."""
    present = {condition.definition.id for condition in conditions}
    missing = [d.id for d in definitions if d.id not in present]
    if not conditions:
        raise Unavailable(f"alarms of the {SOURCE}", "none of the configured alarms exists there")
    if missing:
        _log.warning("configured alarms that the OPC UA server lacks: %s", ", ".join(missing))


def _browse_path(node: ua.NodeId, names: tuple[str, ...], namespace: int) -> ua.BrowsePath:
    text = "".join(f"/{namespace}:{name}" for name in names)
    return ua.BrowsePath(node, ua.RelativePath.from_string(text))


def _local(node: ua.NodeId) -> ua.NodeId:
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


def _state(condition: _Condition, answers: dict[ua.NodeId, ua.DataValue]) -> AlarmState | None:
    """What the server says of one alarm; None when it cannot tell whether it is active."""
    active = _good(condition, ACTIVE, answers)
    if not isinstance(active, bool):
        return None
    acknowledged = _good(condition, ACKNOWLEDGED, answers)
    times = (_good(condition, RAISED, answers), _good(condition, CHANGED, answers))
    since = next((time for time in times if isinstance(time, datetime)), None)
    return AlarmState(
        condition.definition, active, acknowledged is not False, since or datetime.now(UTC)
    )


def _good(
    condition: _Condition, path: tuple[str, ...], answers: dict[ua.NodeId, ua.DataValue]
) -> object:
    node = condition.parts.get(path)
    if node is None:
        return None
    answer = answers[node]
    good = answer.StatusCode is None or not answer.StatusCode.is_bad()
    return plain_value(answer.Value.Value) if good and answer.Value else None
