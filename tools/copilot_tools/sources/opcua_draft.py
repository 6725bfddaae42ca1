"""Writes what was found on an OPC UA server as a draft plant model in TOML."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from asyncua import ua

COMMANDS = ("start", "stop", "reset", "open", "close")
Cell: TypeAlias = str | float | tuple[float, float]

_HEAD = """\
# Draft made by browsing {url}.
# Check by hand: ids and names, kinds, areas and lines, units, aliases that people use, the normal
# range of each signal, the safety class and largest step of each setpoint, and what feeds what.
"""


@dataclass(eq=False, slots=True)
class Found:
    """A node of the server and what was learnt of it; variables carry unit, range and access."""

    node: ua.NodeId
    name: str
    title: str
    node_class: ua.NodeClass
    folder: bool = False
    kind: str = ""
    children: list["Found"] = field(default_factory=list)
    numeric: bool = False
    text: bool = False
    writable: bool = False
    unit: str = ""
    range: tuple[float, float] | None = None

    def child(self, name: str) -> "Found | None":
        """The child of that browse name."""
        return next((child for child in self.children if child.name == name), None)


@dataclass(slots=True)
class _Machine:
    """An object that becomes an asset: its variables, methods and conditions, folders unfolded."""

    found: Found
    area: str
    signals: list[Found] = field(default_factory=list)
    setpoints: list[Found] = field(default_factory=list)
    commands: list[Found] = field(default_factory=list)
    alarms: list[Found] = field(default_factory=list)
    state: Found | None = None


def write_draft(top: Found, namespaces: dict[int, str], url: str) -> str | None:
    """The draft as TOML text; None when there is no machine."""
    machines = [m for m in _machines(top.children, "Site") if m.signals or m.setpoints]
    if not machines:
        return None
    default = Counter(machine.found.node.NamespaceIndex for machine in machines).most_common(1)[0][
        0
    ]
    draft = _Draft(namespaces, default)
    return _HEAD.format(url=re.sub(r"\s", "", url)) + "".join(draft.lines(machines))


def quote(text: str) -> str:
    """A TOML basic string; JSON escapes the same way except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _machines(candidates: Iterable[Found], area: str) -> Iterator[_Machine]:
    for candidate in candidates:
        if candidate.node_class is not ua.NodeClass.Object or candidate.child("ActiveState"):
            continue
        if any(child.numeric for child in candidate.children):
            machine = _Machine(candidate, area)
            parts = list(_collect(machine, candidate))
            yield machine
            yield from _machines(parts, area)
        else:
            yield from _machines(candidate.children, candidate.title if candidate.folder else area)


def _collect(machine: _Machine, parent: Found) -> Iterator[Found]:
    """Sort the parts of a machine into it, those in folders too; yields objects inside it."""
    for child in parent.children:
        if child.node_class is ua.NodeClass.Method:
            if _plain(child.name) in COMMANDS:
                machine.commands.append(child)
        elif child.node_class is ua.NodeClass.Variable:
            _collect_variable(machine, child)
        elif child.child("ActiveState"):
            machine.alarms.append(child)
        elif child.folder:
            yield from _collect(machine, child)
        else:
            yield child


def _collect_variable(machine: _Machine, variable: Found) -> None:
    if variable.text and _plain(variable.name).endswith("state") and machine.state is None:
        machine.state = variable
    elif variable.numeric and variable.node.NamespaceIndex != 0:
        settable = variable.writable and variable.range is not None
        (machine.setpoints if settable else machine.signals).append(variable)


@dataclass(frozen=True, slots=True)
class _Draft:
    """Writes machines; ids are made unique, areas are collected from the folders."""

    namespaces: dict[int, str]
    default: int
    used: set[str] = field(default_factory=set)

    def lines(self, machines: list[_Machine]) -> Iterator[str]:
        areas = {machine.area: self._unique(_slug(machine.area)) for machine in machines}
        site = {"id": "site", "name": "My site", "time_zone": "UTC"}
        yield _table("[site]", {**site, "namespace": self.namespaces[self.default]})
        yield _table("[[shift]]", {"name": "day"}) + "start = 00:00:00\n"
        for name, key in areas.items():
            yield _table("[[area]]", {"id": key, "name": name})
        for machine in machines:
            yield from self._asset(machine, areas[machine.area])

    def _asset(self, machine: _Machine, area: str) -> Iterator[str]:
        found = machine.found
        head: dict[str, Cell] = {
            "id": self._unique(found.name),
            "name": found.title,
            "kind": found.kind or "machine",
            "area": area,
        }
        if machine.state:
            head["state"] = self._node(machine.state)
        yield "\n" + _table("[[asset]]", head)
        yield from self._values("[[asset.signal]]", machine.signals, "range")
        yield from self._values("[[asset.setpoint]]", machine.setpoints, "bounds")
        for name, command in {_plain(c.name): c for c in machine.commands}.items():
            yield _table("[[asset.command]]", {"name": name, "node": self._node(command)})
        for alarm in machine.alarms:
            yield _table(
                "[[asset.alarm]]",
                {
                    "id": self._unique(f"ALM-{found.name}-{_slug(alarm.name)}"),
                    "message": alarm.title,
                    "severity": "medium",
                    "node": self._node(alarm),
                },
            )

    def _values(self, heading: str, variables: list[Found], span: str) -> Iterator[str]:
        names: Counter[str] = Counter()
        for variable in variables:
            name = _plain(variable.title)
            if heading == "[[asset.setpoint]]":
                name = name.removesuffix(" setpoint") or name
            names[name] += 1
            cells: dict[str, Cell] = {
                "name": name if names[name] == 1 else f"{name} {names[name]}",
                "node": self._node(variable),
                "unit": variable.unit,
            }
            if variable.range:
                cells[span] = variable.range
            yield _table(heading, cells)

    def _node(self, found: Found) -> str:
        index = found.node.NamespaceIndex
        identifier = found.node.to_string().rpartition(f"ns={index};")[2]
        if index == self.default:
            return str(identifier)
        return f"nsu={self.namespaces[index]};{identifier}"

    def _unique(self, wanted: str) -> str:
        """`wanted`, or with a number behind it when that is taken."""
        name, number = wanted, 1
        while name in self.used:
            number += 1
            name = f"{wanted}-{number}"
        self.used.add(name)
        return name


def _table(heading: str, cells: dict[str, Cell]) -> str:
    lines = [heading, *(f"{key} = {_cell(value)}" for key, value in cells.items())]
    return "\n".join(lines) + "\n"


def _cell(value: Cell) -> str:
    match value:
        case str():
            return quote(value)
        case tuple():
            return f"[{value[0]!r}, {value[1]!r}]"
    return repr(value)


def _plain(name: str) -> str:
    """Names like MotorSpeed_SP as words: lower case, no underscores."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(spaced.replace("_", " ").split()).lower()


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").upper() or "SITE"
