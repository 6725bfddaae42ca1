"""What is written or called has its node to itself.

Otherwise two names would stand for one thing, and what holds for the one, its bounds, its safety
class, its approvals, would be got around by the other. Signals are only read and may mirror it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from copilot_tools.site.model import Node
from copilot_tools.site.node_text import read_node
from copilot_tools.site.toml_lines import Path
from copilot_tools.site.toml_tables import AssetTable, PlantFile

BLOCK_PARTS = ("command_id", "value", "expires_at", "strobe", "echo_id", "result")


@dataclass(frozen=True, slots=True)
class _Use:
    """A node in the model: where it stands, what it is, and whether it is written or called."""

    path: Path
    what: str
    node: Node
    acted: bool = False


def shared_nodes(file: PlantFile) -> Iterator[tuple[Path, str]]:
    """Every node that is written or called and stands for something else as well."""
    by_node: dict[Node, list[_Use]] = defaultdict(list)
    for i, asset in enumerate(file.asset):
        for use in _uses(asset, ("asset", i), file.site.namespace):
            by_node[use.node].append(use)
    for uses in by_node.values():
        acted = next((use for use in reversed(uses) if use.acted), None)
        if acted is not None and len(uses) > 1:
            other = next(use for use in uses if use is not acted)
            yield acted.path, f"{acted.what}: the node {acted.node} is also {other.what}"


def _uses(asset: AssetTable, here: Path, namespace: str) -> Iterator[_Use]:
    def node(text: str) -> Node:
        return read_node(text, namespace)

    if asset.state:
        yield _Use((*here, "state"), f"the state of {asset.id}", node(asset.state))
    if asset.lockout:
        yield _Use((*here, "lockout"), f"the lock-out of {asset.id}", node(asset.lockout))
    for i, alarm in enumerate(asset.alarm):
        yield _Use((*here, "alarm", i, "node"), f"the alarm {alarm.id}", node(alarm.node))
    for i, command in enumerate(asset.command):
        path, name = (*here, "command", i, "node"), f"{asset.id}.{command.name}"
        yield _Use(path, name, node(command.node), command.allowed)
    for i, setpoint in enumerate(asset.setpoint):
        path, name = (*here, "setpoint", i), f"{asset.id}.{setpoint.name}"
        yield _Use((*path, "node"), name, node(setpoint.node), setpoint.writable)
        if setpoint.handshake:
            for block in _block(node(setpoint.handshake)):
                yield _Use((*path, "handshake"), f"the command block of {name}", block, True)


def _block(folder: Node) -> Iterator[Node]:
    """The folder of a command block and the tags in it."""
    yield folder
    for part in BLOCK_PARTS:
        yield Node(folder.namespace, f"{folder.identifier}.{part}")
