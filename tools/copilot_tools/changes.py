"""A change as a tool understood it: what it acts on, from which value to which, in which state.

A propose tool returns one of these in its Findings. Nothing here writes; the gate turns a change
into a proposal, and only the executor, a process of its own, can carry one out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from copilot_tools.facts import Quality, Value
from copilot_tools.site.model import Node

TargetKind = Literal["setpoint", "command", "alarm", "asset", "part", "batch"]


@dataclass(frozen=True, slots=True)
class Target:
    """The one thing a change acts on: `key` is unique in the site ("K-7.speed", "SEAL-2").

    `asset` is the machine it belongs to, empty for parts and batches; `node` is what is written,
    called or acknowledged, None for records of the ERP. `block` is the command block through
    which a setpoint is written, None where it is written to its node itself.
    """

    kind: TargetKind
    key: str
    asset: str = ""
    node: Node | None = None
    block: Node | None = None


@dataclass(frozen=True, slots=True)
class Precondition:
    """Something of the plant that must still be as it was shown when the change is carried out.

    A number may differ from `shown` by `tolerance` (in `unit`), anything else not at all. Active
    alarms are shown as their sorted ids, comma-separated; the one to be acknowledged with the UTC
    time since when it stands.
    """

    kind: Literal["state", "lockout", "alarms", "value"]
    subject: str
    name: str
    shown: Value
    time: datetime
    quality: Quality = Quality.GOOD
    unit: str = ""
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `arguments` are canonical (resolved ids, no loose names), `says` is one line.

    `old` is the value seen when it was proposed, `new` the one wanted, both in `unit`.
    """

    tool: str
    target: Target
    arguments: Mapping[str, Value]
    says: str
    old: Value = None
    new: Value = None
    unit: str = ""
    reason: str = ""
    preconditions: tuple[Precondition, ...] = field(default=())
