"""The tables of `plant.toml`: which keys each may hold, and what their values must look like."""

from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from copilot_tools.site.model import SafetyClass, Severity
from copilot_tools.site.node_text import canonical


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] >= pair[1]:
        raise ValueError("must be [low, high] with low below high")
    return pair


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("is not a time zone; write for example 'Europe/Berlin'") from error
    return name


Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Pair = Annotated[tuple[float, float], AfterValidator(_ordered)]
NodeText = Annotated[str, AfterValidator(canonical)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SiteTable(_Table):
    """`[site]`: the namespace is that of nodes written without one."""

    id: Name
    name: Name
    time_zone: Annotated[str, AfterValidator(_zone)]
    namespace: Name


class ShiftTable(_Table):
    """`[[shift]]`: local start time."""

    name: Name
    start: time


class AreaTable(_Table):
    """`[[area]]`."""

    id: Name
    name: Name
    aliases: tuple[Name, ...] = ()


class LineTable(AreaTable):
    """`[[line]]`: `ideal_rate` in units per minute."""

    ideal_rate: Annotated[float, Field(gt=0)]


class LimitsTable(_Table):
    """A signal's `limits`, in its unit."""

    low_low: float | None = None
    low: float | None = None
    high: float | None = None
    high_high: float | None = None


class SignalTable(_Table):
    """`[[asset.signal]]`."""

    name: Name
    node: NodeText
    unit: str = ""
    aliases: tuple[Name, ...] = ()
    normal: Pair | None = None
    range: Pair | None = None
    limits: LimitsTable = LimitsTable()
    counter: bool = False


class WatchTable(_Table):
    """An entry of a setpoint's `watch`; the tolerance in the unit of the signal."""

    signal: Name
    tolerance: Annotated[float, Field(gt=0)]


class SetpointTable(_Table):
    """`[[asset.setpoint]]`; without a tolerance of its own it is half the resolution."""

    name: Name
    node: NodeText
    unit: str = ""
    bounds: Pair
    max_step: Annotated[float, Field(gt=0)] | None = None
    aliases: tuple[Name, ...] = ()
    safety: SafetyClass = SafetyClass.PROCESS
    writable: bool = False
    resolution: Annotated[float, Field(gt=0)] = 0.01
    tolerance: Annotated[float, Field(gt=0)] | None = None
    max_rate: Annotated[float, Field(gt=0)] | None = None
    critical: bool = False
    watch: tuple[WatchTable, ...] = ()
    settle_s: Annotated[float, Field(gt=0, le=120)] = 3.0
    handshake: NodeText | None = None


class CommandTable(_Table):
    """`[[asset.command]]`."""

    name: Literal["start", "stop", "reset", "open", "close"]
    node: NodeText
    safety: SafetyClass = SafetyClass.PROCESS
    allowed: bool = False
    expects: tuple[Name, ...] = ()
    settle_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    critical: bool = False


class WearTable(_Table):
    """A component's `wear`."""

    signal: Name
    threshold: float
    rising: bool = True


class ComponentTable(_Table):
    """`[[asset.component]]`."""

    name: Name
    aliases: tuple[Name, ...] = ()
    part: str = ""
    wear: WearTable | None = None


class AlarmTable(_Table):
    """`[[asset.alarm]]`."""

    id: Name
    message: Name
    severity: Severity
    node: NodeText
    signal: str = ""
    limit: float | None = None


class AssetTable(_Table):
    """`[[asset]]` with all that stands below it."""

    id: Name
    name: Name
    kind: Name
    area: Name
    line: str = ""
    model: str = ""
    aliases: tuple[Name, ...] = ()
    state: NodeText | None = None
    lockout: NodeText | None = None
    feeds: tuple[Name, ...] = ()
    documents: tuple[Name, ...] = ()
    signal: tuple[SignalTable, ...] = ()
    setpoint: tuple[SetpointTable, ...] = ()
    command: tuple[CommandTable, ...] = ()
    component: tuple[ComponentTable, ...] = ()
    alarm: tuple[AlarmTable, ...] = ()


class PlantFile(_Table):
    """The whole file."""

    site: SiteTable
    shift: Annotated[tuple[ShiftTable, ...], Field(min_length=1)]
    area: Annotated[tuple[AreaTable, ...], Field(min_length=1)]
    line: tuple[LineTable, ...] = ()
    asset: Annotated[tuple[AssetTable, ...], Field(min_length=1)]
