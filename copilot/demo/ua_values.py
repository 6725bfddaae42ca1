"""OPC UA ids, status codes and values as the typed library wants them."""

from datetime import datetime
from typing import cast

from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

GOOD = ua.StatusCode()


def standard_id(number: int) -> ua.NodeId:
    """A node of OPC UA itself."""
    return ua.NodeId(ua.Int32(number), ua.Int16(0))


def plant_id(identifier: str, namespace: int) -> ua.NodeId:
    """A node of the plant; the identifier may begin with "s="."""
    return ua.NodeId(ua.String(identifier.removeprefix("s=")), ua.Int16(namespace))


def part_id(node: ua.NodeId, part: str) -> ua.NodeId:
    """A part of a plant node: "P-101.flow" and "EURange" make "P-101.flow.EURange"."""
    return plant_id(f"{node.Identifier!s}.{part}", node.NamespaceIndex)


def status(name: str) -> ua.StatusCode:
    """A status code by name ("BadOutOfRange")."""
    return ua.StatusCode(ua.UInt32(getattr(StatusCodes, name)))


def stamped(value: ua.Variant, code: ua.StatusCode, moment: datetime) -> ua.DataValue:
    """A value with its quality and time."""
    time = cast(ua.DateTime, moment)
    return ua.DataValue(value, code, SourceTimestamp=time, ServerTimestamp=time)
