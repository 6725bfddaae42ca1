"""Browses an OPC UA server and drafts a plant model from what it says about itself."""

from collections.abc import Iterator, Sequence

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from copilot_tools.errors import Failed
from copilot_tools.sources.opcua_connection import Link, OpcUaConnection
from copilot_tools.sources.opcua_draft import Found, write_draft

OBJECTS = ua.NodeId.from_string("i=85")
_HIERARCHICAL = ua.NodeId.from_string("i=33")
_FOLDER_TYPE = ua.NodeId.from_string("i=61")
_NUMERIC_TYPES = frozenset((*range(2, 12), 26, 27, 28, 50))
_TEXT_TYPES = frozenset((12, 21))
_DEEPEST = 10
_MOST_NODES = 100_000
_BROWSED_AT_ONCE = 200
_WRITE_BIT = 2


async def discover(
    url: str, user: str | None = None, password: str | None = None, timeout_s: float = 60.0
) -> str:
    """A draft `plant.toml` of the server at `url`; raises Unavailable, or Failed if nothing fits.

    Machines of the Machinery companion specification come first where the server has them.
    """
    connection = OpcUaConnection(url, user, password, timeout_s)
    try:
        top, namespaces = await connection.call(_survey)
    finally:
        await connection.close()
    text = write_draft(top, namespaces, url)
    if text is None:
        raise Failed(f"the server at {url} shows no machine with measured values")
    return text


async def _survey(link: Link) -> tuple[Found, dict[int, str]]:
    top = Found(OBJECTS, "Objects", "Objects", ua.NodeClass.Object, folder=True)
    kinds = await _browse_below(link, top)
    if (machines := top.child("Machines")) is not None and machines.children:
        top.children.sort(key=lambda child: child is not machines)
    everything = list(_walk(top))
    await _name_kinds(link, kinds)
    await _describe(link, [found for found in everything if _is_variable(found)])
    return top, {index: uri for uri, index in link.namespaces.items()}


def _walk(top: Found) -> Iterator[Found]:
    for child in top.children:
        yield child
        yield from _walk(child)


def _is_variable(found: Found) -> bool:
    return found.node_class is ua.NodeClass.Variable


async def _browse_below(link: Link, top: Found) -> dict[ua.NodeId, list[Found]]:
    """Fill in everything below `top`; the answer sorts the objects by their own types."""
    seen = {top.node}
    by_type: dict[ua.NodeId, list[Found]] = {}
    level = [top]
    for _ in range(_DEEPEST):
        next_level: list[Found] = []
        for parent, references in zip(level, await _browse(link, level), strict=True):
            for reference in references:
                node = _local(reference.NodeId)
                if node in seen or _standard_object(node, reference.NodeClass):
                    continue
                seen.add(node)
                found = _found(node, reference)
                parent.children.append(found)
                next_level.append(found)
                by_type.setdefault(_local(reference.TypeDefinition), []).append(found)
        level = next_level
        if not level or len(seen) > _MOST_NODES:
            break
    return by_type


def _standard_object(node: ua.NodeId, node_class: ua.NodeClass) -> bool:
    """Objects and methods of namespace 0 describe the server, not the plant."""
    return node.NamespaceIndex == 0 and node_class is not ua.NodeClass.Variable


def _found(node: ua.NodeId, reference: ua.ReferenceDescription) -> Found:
    name = reference.BrowseName.Name or str(node.Identifier)
    return Found(
        node,
        name,
        reference.DisplayName.Text or name,
        reference.NodeClass,
        folder=_local(reference.TypeDefinition) == _FOLDER_TYPE,
    )


async def _browse(link: Link, level: Sequence[Found]) -> list[list[ua.ReferenceDescription]]:
    session = link.client.uaclient.session
    answers: list[list[ua.ReferenceDescription]] = []
    for start in range(0, len(level), _BROWSED_AT_ONCE):
        parameters = ua.BrowseParameters(
            NodesToBrowse=[
                ua.BrowseDescription(
                    NodeId=found.node,
                    ReferenceTypeId=_HIERARCHICAL,
                    NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable | ua.NodeClass.Method,
                    ResultMask=ua.BrowseResultMask.All,
                )
                for found in level[start : start + _BROWSED_AT_ONCE]
            ]
        )
        for result in await session.browse(parameters):
            references = list(result.References or [])
            while result.ContinuationPoint:
                more = ua.BrowseNextParameters(ContinuationPoints=[result.ContinuationPoint])
                (result,) = await session.browse_next(more)
                references += result.References or []
            answers.append(references)
    return answers


async def _name_kinds(link: Link, by_type: dict[ua.NodeId, list[Found]]) -> None:
    """A machine type of the server's own ("PumpType") says what kind its machines are."""
    own = [node for node in by_type if node.NamespaceIndex != 0]
    names = await _attribute(link, own, AttributeIds.BrowseName)
    for node, name in zip(own, names, strict=True):
        if isinstance(name, ua.QualifiedName):
            for found in by_type[node]:
                found.kind = (name.Name or "").removesuffix("Type").lower()


async def _describe(link: Link, variables: Sequence[Found]) -> None:
    nodes = [variable.node for variable in variables]
    types = await _attribute(link, nodes, AttributeIds.DataType)
    ranks = await _attribute(link, nodes, AttributeIds.ValueRank)
    access = await _attribute(link, nodes, AttributeIds.UserAccessLevel)
    for variable, data_type, rank, level in zip(variables, types, ranks, access, strict=True):
        scalar = isinstance(rank, int) and rank < 0
        if scalar and isinstance(data_type, ua.NodeId) and data_type.NamespaceIndex == 0:
            variable.numeric = data_type.Identifier in _NUMERIC_TYPES
            variable.text = data_type.Identifier in _TEXT_TYPES
        variable.writable = isinstance(level, int) and bool(level & _WRITE_BIT)
    described = [v for v in variables if v.child("EURange") or v.child("EngineeringUnits")]
    parts = [
        (variable, part)
        for variable in described
        for name in ("EURange", "EngineeringUnits")
        if (part := variable.child(name)) is not None
    ]
    answers = await link.read([part.node for _, part in parts])
    for (variable, _), answer in zip(parts, answers, strict=True):
        value = answer.Value.Value if answer.Value else None
        if isinstance(value, ua.Range) and value.Low < value.High:
            variable.range = (float(value.Low), float(value.High))
        elif isinstance(value, ua.EUInformation):
            variable.unit = value.DisplayName.Text or ""


async def _attribute(
    link: Link, nodes: Sequence[ua.NodeId], attribute: AttributeIds
) -> list[object]:
    values: list[object] = []
    for start in range(0, len(nodes), link.read_limit):
        batch = list(nodes[start : start + link.read_limit])
        answers = await link.client.uaclient.session.read_attributes(batch, attribute)
        values += [answer.Value.Value if answer.Value else None for answer in answers]
    return values


def _local(node: ua.NodeId) -> ua.NodeId:
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)
