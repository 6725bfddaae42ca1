"""What the server says of a node right now: can it be written or called, with what, how far?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from copilot_tools.errors import Denied
from copilot_tools.facts import Range, Value
from copilot_tools.site.model import Node
from copilot_tools.sources.opcua_connection import Link

_CURRENT_WRITE = 1 << ua.AccessLevel.CurrentWrite
_NUMBERS = (ua.VariantType.Float, ua.VariantType.Double)
_INTEGERS = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
}
_MISSING = "its node is not on the OPC UA server"
_HAS_COMPONENT = ua.NodeId.from_string("i=47")
_LARGEST_FLOAT = 3.4028234e38


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable on one session: its type, its present value, its published range and unit."""

    link: Link
    node_id: ua.NodeId
    type: ua.VariantType
    value: object
    range: Range | None
    unit: str


async def resolve(link: Link, node: Node, what: str) -> ua.NodeId:
    """The server's id of a node; raises Denied when the server does not know its namespace."""
    node_id = link.node_id(node)
    if node_id is None:
        raise Denied(f"{what}: the OPC UA server does not know the namespace of its node")
    return node_id


async def node_class(link: Link, node_id: ua.NodeId, what: str) -> ua.NodeClass:
    """Whether it is a variable, a method or an object; raises Denied when there is no such node."""
    (found,) = await read_attributes(link, node_id, AttributeIds.NodeClass)
    if not isinstance(found, int):
        raise Denied(f"{what}: {_MISSING}")
    return ua.NodeClass(found)


async def examine(link: Link, node: Node, what: str, *, written: bool = True) -> Variable:
    """A scalar variable; raises Denied when it is none, or `written` and not ours to write."""
    node_id = await resolve(link, node, what)
    found, data_type, access, value = await read_attributes(
        link,
        node_id,
        AttributeIds.NodeClass,
        AttributeIds.DataType,
        AttributeIds.UserAccessLevel,
        AttributeIds.Value,
    )
    if found is None:
        raise Denied(f"{what}: {_MISSING}")
    if found != ua.NodeClass.Variable:
        raise Denied(f"{what}: its node on the OPC UA server is not a variable")
    if written and not (isinstance(access, int) and access & _CURRENT_WRITE):
        raise Denied(f"{what}: the OPC UA server does not let the executor write it")
    if isinstance(value, list):
        raise Denied(f"{what}: its node holds a list of values, not one")
    span, unit = await _published(link, node_id)
    kind = _type(data_type) or await _type_of_value(link, node_id)
    if kind is None:
        raise Denied(f"{what}: the type of its node cannot be told")
    return Variable(link, node_id, kind, value, span, unit)


def encode(variable: Variable, value: Value, what: str) -> ua.Variant:
    """The number as the node's own type; raises Denied when that type cannot hold it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Denied(f"{what}: {value!r} is not a number that can be written")
    if variable.type in _NUMBERS:
        if variable.type is ua.VariantType.Float and abs(value) > _LARGEST_FLOAT:
            raise Denied(f"{what}: {value:g} is more than its node can hold")
        return ua.Variant(float(value), variable.type)
    if variable.type not in _INTEGERS:
        raise Denied(f"{what}: its node holds {variable.type.name}, not a number")
    low, high = _INTEGERS[variable.type]
    if value != int(value):
        raise Denied(f"{what}: its node takes whole numbers only, not {value:g}")
    if not low <= value <= high:
        raise Denied(f"{what}: {value:g} is more than its node can hold")
    return ua.Variant(int(value), variable.type)


async def read_attributes(
    link: Link, node_id: ua.NodeId, *attributes: AttributeIds
) -> list[object]:
    """The attributes of a node in one request; None for one that cannot be read."""
    request = ua.ReadParameters(
        NodesToRead=[ua.ReadValueId(node_id, attribute) for attribute in attributes]
    )
    answers = await link.client.uaclient.session.read(request)
    return [_good(answer) for answer in answers]


async def read_values(link: Link, nodes: Sequence[Node]) -> list[object]:
    """The present good values of some nodes in one request; None for one that has none."""
    ids = [node_id for node in nodes if (node_id := link.node_id(node)) is not None]
    answers = await link.read(ids) if len(ids) == len(nodes) else []
    return [_good(answer) for answer in answers] or [None] * len(nodes)


async def find_parts(
    link: Link, node_id: ua.NodeId, paths: Sequence[tuple[str, ...]]
) -> list[ua.NodeId | None]:
    """Parts of a node by browse names, standard ones or of the node's own namespace."""
    spaces = dict.fromkeys((0, node_id.NamespaceIndex))
    asked = [_browse_path(node_id, path, space) for path in paths for space in spaces]
    results = await link.client.uaclient.session.translate_browsepaths_to_nodeids(asked)
    found = [_local(result.Targets[0].TargetId) if _single(result) else None for result in results]
    every = len(spaces)
    return [
        next((part for part in found[start : start + every] if part is not None), None)
        for start in range(0, len(found), every)
    ]


async def owner_of(link: Link, method: ua.NodeId, what: str) -> ua.NodeId:
    """The one object a method is a component of; raises Denied when there is not exactly one."""
    up = ua.BrowseDescription(
        NodeId=method,
        BrowseDirection=ua.BrowseDirection.Inverse,
        ReferenceTypeId=_HAS_COMPONENT,
        IncludeSubtypes=True,
        NodeClassMask=ua.UInt32(ua.NodeClass.Object),
        ResultMask=ua.UInt32(ua.BrowseResultMask.All),
    )
    (result,) = await link.client.uaclient.session.browse(ua.BrowseParameters(NodesToBrowse=[up]))
    owners = {_local(reference.NodeId) for reference in result.References or ()}
    if len(owners) != 1:
        raise Denied(f"{what}: its method belongs to {len(owners)} objects, not to one")
    return owners.pop()


async def check_callable(link: Link, method: ua.NodeId, what: str, arguments: int = 0) -> None:
    """Raises Denied unless the executor may call the method with that many arguments."""
    executable, ours = await read_attributes(
        link, method, AttributeIds.Executable, AttributeIds.UserExecutable
    )
    if not (executable and ours):
        raise Denied(f"{what}: the OPC UA server does not let the executor call it")
    (inputs,) = await find_parts(link, method, [("InputArguments",)])
    wanted = (await read_attributes(link, inputs, AttributeIds.Value))[0] if inputs else None
    if len(wanted if isinstance(wanted, list) else ()) != arguments:
        raise Denied(f"{what}: its method wants other arguments than it would be given")


async def _published(link: Link, node_id: ua.NodeId) -> tuple[Range | None, str]:
    """The EURange and the EngineeringUnits the server publishes for a variable."""
    parts = await find_parts(link, node_id, [("EURange",), ("EngineeringUnits",)])
    published: Range | None = None
    unit = ""
    for answer in await link.read([part for part in parts if part is not None]):
        match _good(answer):
            case ua.Range() as span if span.Low < span.High:  # 0 to 0 is a range nobody has set.
                published = Range(span.Low, span.High)
            case ua.EUInformation() as units:
                unit = units.DisplayName.Text or ""
    return published, unit


def _type(data_type: object) -> ua.VariantType | None:
    """The built-in type a DataType attribute names; None for an abstract or derived one."""
    if not isinstance(data_type, ua.NodeId) or data_type.NamespaceIndex != 0:
        return None
    concrete = (kind for kind in ua.VariantType if kind is not ua.VariantType.Variant)
    return next((kind for kind in concrete if kind.value == data_type.Identifier), None)


async def _type_of_value(link: Link, node_id: ua.NodeId) -> ua.VariantType | None:
    """The type the node's present value has, for nodes declared as a kind of number only."""
    (answer,) = await link.read([node_id])
    kind = answer.Value.VariantType if answer.Value else ua.VariantType.Null
    return kind if kind in (*_NUMBERS, *_INTEGERS) else None


def _good(answer: ua.DataValue) -> object:
    good = answer.StatusCode is None or answer.StatusCode.is_good()
    return answer.Value.Value if good and answer.Value else None


def _browse_path(node_id: ua.NodeId, names: tuple[str, ...], namespace: int) -> ua.BrowsePath:
    text = "".join(f"/{namespace}:{name}" for name in names)
    return ua.BrowsePath(node_id, ua.RelativePath.from_string(text))


def _single(result: ua.BrowsePathResult) -> bool:
    return bool(result.StatusCode.is_good() and len(result.Targets or ()) == 1)


def _local(node_id: ua.NodeId) -> ua.NodeId:
    return ua.NodeId(node_id.Identifier, node_id.NamespaceIndex, node_id.NodeIdType)
