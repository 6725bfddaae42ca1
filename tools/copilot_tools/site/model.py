"""The site as configuration describes it (ISA-95 terms): areas, lines, assets and their signals."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from zoneinfo import ZoneInfo

from copilot_tools.facts import Range


@dataclass(frozen=True, slots=True)
class Node:
    """An OPC UA node by namespace URI and identifier ("s=K-7.flow", "i=2258")."""

    namespace: str
    identifier: str

    def __str__(self) -> str:
        return f"nsu={self.namespace};{self.identifier}"


@dataclass(frozen=True, slots=True)
class Limits:
    """Alarm limits of a signal in its unit (ISA-18.2: low-low, low, high, high-high)."""

    low_low: float | None = None
    low: float | None = None
    high: float | None = None
    high_high: float | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A measured value of an asset; `range` is the instrument range (EURange)."""

    asset: str
    name: str
    node: Node
    unit: str = ""
    aliases: tuple[str, ...] = ()
    normal: Range | None = None
    range: Range | None = None
    limits: Limits = field(default_factory=Limits)
    counter: bool = False

    @property
    def id(self) -> str:
        """The key of this signal in histories: "K-7.discharge pressure"."""
        return f"{self.asset}.{self.name}"


class SafetyClass(StrEnum):
    """Who may write or call: what is `sis` (safety instrumented system), the copilot never does."""

    PROCESS = "process"
    SIS = "sis"


@dataclass(frozen=True, slots=True)
class Watch:
    """A signal of the same asset that must not have moved by more than `tolerance` (its unit)."""

    signal: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class Setpoint:
    """A target value with its bounds and the largest single step, in `unit`.

    Only a `writable` one may be proposed. It is set in whole counts of `resolution`, and counts as
    unchanged, or reached, within `tolerance`. `max_rate` is the largest change within an hour.
    `watch` names what must still be as it was shown; `settle_s` is how long it takes to show.
    `handshake` is the command block of a controller that executes each command id at most once.
    """

    asset: str
    name: str
    node: Node
    unit: str
    bounds: Range
    max_step: float | None = None
    aliases: tuple[str, ...] = ()
    safety: SafetyClass = SafetyClass.PROCESS
    writable: bool = False
    resolution: float = 0.01
    tolerance: float = 0.005
    max_rate: float | None = None
    critical: bool = False
    watch: tuple[Watch, ...] = ()
    settle_s: float = 3.0
    handshake: Node | None = None

    @property
    def id(self) -> str:
        """The key of this setpoint in proposals and policies: "K-7.speed"."""
        return f"{self.asset}.{self.name}"


@dataclass(frozen=True, slots=True)
class Command:
    """A method, or a switch to be set, of an asset's controller: start, stop, reset, open, close.

    Only an `allowed` one may be proposed, and none of the safety system. `expects` are the states
    of the asset of which one must show within `settle_s` for the command to count as carried out.
    """

    asset: str
    name: str
    node: Node
    safety: SafetyClass = SafetyClass.PROCESS
    allowed: bool = False
    expects: tuple[str, ...] = ()
    settle_s: float = 10.0
    critical: bool = False

    @property
    def id(self) -> str:
        """The key of this command in proposals and policies: "K-7.start"."""
        return f"{self.asset}.{self.name}"


@dataclass(frozen=True, slots=True)
class Wear:
    """How a component's wear shows: `signal` moving towards `threshold` (in the signal's unit)."""

    signal: str
    threshold: float
    rising: bool = True


@dataclass(frozen=True, slots=True)
class Component:
    """A replaceable part of an asset and, where a signal tells, how its wear shows."""

    asset: str
    name: str
    aliases: tuple[str, ...] = ()
    part: str = ""
    wear: Wear | None = None


class Severity(StrEnum):
    """Alarm priority (ISA-18.2 / EEMUA 191)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """A configured alarm: its OPC UA condition object, and the signal and limit it watches."""

    id: str
    asset: str
    message: str
    severity: Severity
    node: Node
    signal: str = ""
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """A machine (ISA-95 work unit) with all that can be asked of it.

    `feeds` names the assets downstream of this one in the flow of material or energy. Without
    `lockout_node`, a switch that is on while people work on it, it is never written or commanded.
    """

    id: str
    name: str
    kind: str
    area: str
    line: str = ""
    model: str = ""
    aliases: tuple[str, ...] = ()
    state_node: Node | None = None
    lockout_node: Node | None = None
    feeds: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    setpoints: tuple[Setpoint, ...] = ()
    commands: tuple[Command, ...] = ()
    components: tuple[Component, ...] = ()
    alarms: tuple[AlarmDefinition, ...] = ()
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the site."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A production line; `ideal_rate` is in units per minute."""

    id: str
    name: str
    ideal_rate: float
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """A shift by its local start time; it ends where the next one starts."""

    name: str
    start: time


@dataclass(frozen=True, slots=True)
class Site:
    """The whole plant model; keys of `assets`, `areas` and `lines` are their ids.

    `digest` is the SHA-256 of the text it was read from, empty where there was none.
    """

    id: str
    name: str
    time_zone: ZoneInfo
    shifts: tuple[Shift, ...]
    areas: dict[str, Area]
    lines: dict[str, Line]
    assets: dict[str, Asset]
    digest: str = ""

    def signals(self) -> tuple[Signal, ...]:
        """Every signal of every asset, in the order of the configuration."""
        return tuple(signal for asset in self.assets.values() for signal in asset.signals)

    def alarms(self) -> tuple[AlarmDefinition, ...]:
        """Every configured alarm of every asset."""
        return tuple(alarm for asset in self.assets.values() for alarm in asset.alarms)

    def setpoint(self, key: str) -> Setpoint | None:
        """The setpoint with that id ("K-7.speed"), if there is one."""
        found = (s for asset in self._owners(key) for s in asset.setpoints if s.id == key)
        return next(found, None)

    def command(self, key: str) -> Command | None:
        """The command with that id ("K-7.start"), if there is one."""
        found = (c for asset in self._owners(key) for c in asset.commands if c.id == key)
        return next(found, None)

    def _owners(self, key: str) -> Iterator[Asset]:
        """The assets an id may belong to; ids and names may themselves hold dots."""
        for position, character in enumerate(key):
            if character == "." and key[:position] in self.assets:
                yield self.assets[key[:position]]
