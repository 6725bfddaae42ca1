"""Node ids as `plant.toml` writes them, brought to the one form in which equal nodes are equal."""

import re
from base64 import b64decode, b64encode
from uuid import UUID

from copilot_tools.site.model import Node

_LARGEST = 2**32 - 1
_FORM = re.compile(r"(nsu=[^;]+;)?([sigb])=(.+)", re.DOTALL)


def canonical(text: str) -> str:
    """The text with its identifier in its one form: `i=05` is `i=5`; raises ValueError."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("is no node id; write for example 's=K-7.speed' or 'nsu=urn:plc;i=42'")
    namespace, kind, identifier = match.groups("")
    return f"{namespace}{kind}={_identifier(kind, identifier)}"


def read_node(text: str, namespace: str) -> Node:
    """The node of a canonical text; `namespace` is that of nodes written without one."""
    if text.startswith("nsu="):
        uri, _, identifier = text.removeprefix("nsu=").partition(";")
        return Node(uri, identifier)
    return Node(namespace, text)


def _identifier(kind: str, text: str) -> str:
    match kind:
        case "i":
            if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST:
                raise ValueError(f"a numeric node id is a whole number from 0 to {_LARGEST}")
            return str(int(text))
        case "g":
            return str(UUID(text))
        case "b":
            # Text in hexadecimal would be another spelling of the same bytes.
            if text.startswith("0x"):
                raise ValueError("an opaque node id is written in base64")
            return b64encode(b64decode(text, validate=True)).decode("ascii")
    return text
