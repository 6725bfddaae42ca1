"""Reads `plant.toml` into a Site; every error names the line and says what to write instead."""

import tomllib
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from copilot_tools.facts import Range
from copilot_tools.site.model import (
    AlarmDefinition,
    Area,
    Asset,
    Command,
    Component,
    Limits,
    Line,
    Node,
    SafetyClass,
    Setpoint,
    Severity,
    Shift,
    Signal,
    Site,
    Wear,
)
from copilot_tools.site.toml_lines import find_line


class SiteError(Exception):
    """The plant model cannot be used; the message says where, why and how to mend it."""


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
NodeText = Annotated[str, StringConstraints(pattern=r"^(nsu=[^;]+;)?[sigb]=.+$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Site(_Table):
    id: Name
    name: Name
    time_zone: Annotated[str, AfterValidator(_zone)]
    namespace: Name


class _Shift(_Table):
    name: Name
    start: time


class _Area(_Table):
    id: Name
    name: Name
    aliases: tuple[Name, ...] = ()


class _Line(_Area):
    ideal_rate: Annotated[float, Field(gt=0)]


class _Limits(_Table):
    low_low: float | None = None
    low: float | None = None
    high: float | None = None
    high_high: float | None = None


class _Signal(_Table):
    name: Name
    node: NodeText
    unit: str = ""
    aliases: tuple[Name, ...] = ()
    normal: Pair | None = None
    range: Pair | None = None
    limits: _Limits = _Limits()
    counter: bool = False


class _Watch(_Table):
    signal: Name
    tolerance: Annotated[float, Field(gt=0)]


class _Setpoint(_Table):
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
    watch: tuple[_Watch, ...] = ()
    settle_s: Annotated[float, Field(gt=0, le=120)] = 3.0
    handshake: NodeText | None = None


class _Command(_Table):
    name: Literal["start", "stop", "reset", "open", "close"]
    node: NodeText
    allowed: bool = False
    expects: tuple[Name, ...] = ()
    settle_s: Annotated[float, Field(gt=0, le=300)] = 10.0
    critical: bool = False


class _Wear(_Table):
    signal: Name
    threshold: float
    rising: bool = True


class _Component(_Table):
    name: Name
    aliases: tuple[Name, ...] = ()
    part: str = ""
    wear: _Wear | None = None


class _Alarm(_Table):
    id: Name
    message: Name
    severity: Severity
    node: NodeText
    signal: str = ""
    limit: float | None = None


class _Asset(_Table):
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
    signal: tuple[_Signal, ...] = ()
    setpoint: tuple[_Setpoint, ...] = ()
    command: tuple[_Command, ...] = ()
    component: tuple[_Component, ...] = ()
    alarm: tuple[_Alarm, ...] = ()


class _File(_Table):
    site: _Site
    shift: Annotated[tuple[_Shift, ...], Field(min_length=1)]
    area: Annotated[tuple[_Area, ...], Field(min_length=1)]
    line: tuple[_Line, ...] = ()
    asset: Annotated[tuple[_Asset, ...], Field(min_length=1)]


def load_site(path: Path) -> Site:
    """The site described by a TOML file; raises SiteError with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SiteError(f"{path}: there is no plant model here") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    return parse_site(text, str(path))


def parse_site(text: str, origin: str = "plant.toml") -> Site:
    """The site described by a TOML text; `origin` names it in errors."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{origin}: not valid TOML: {error}") from None
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        where = f"{origin}:{find_line(text, first['loc'])}"
        name = ".".join(str(part) for part in first["loc"])
        raise SiteError(f"{where}: {name}: {first['msg']}{more}") from None
    for problem_path, problem in _problems(file):
        raise SiteError(f"{origin}:{find_line(text, problem_path)}: {problem}")
    return _build(file)


def _problems(file: _File) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """References that lead nowhere and names used twice."""
    areas = {area.id for area in file.area}
    lines = {line.id for line in file.line}
    assets = {asset.id for asset in file.asset}
    seen: set[str] = set()
    for i, asset in enumerate(file.asset):
        here = ("asset", i)
        if asset.id in seen:
            yield (*here, "id"), f"the id {asset.id!r} is used twice"
        seen.add(asset.id)
        if asset.area not in areas:
            yield (*here, "area"), f"{asset.id}: there is no area {asset.area!r}"
        if asset.line and asset.line not in lines:
            yield (*here, "line"), f"{asset.id}: there is no line {asset.line!r}"
        for target in asset.feeds:
            if target not in assets:
                yield (*here, "feeds"), f"{asset.id}: feeds unknown asset {target!r}"
        yield from _asset_problems(asset, here, seen)


def _asset_problems(
    asset: _Asset, here: tuple[str | int, ...], seen: set[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    signals: set[str] = set()
    for i, signal in enumerate(asset.signal):
        if signal.name in signals:
            yield (
                (*here, "signal", i, "name"),
                f"{asset.id}: the signal {signal.name!r} is described twice",
            )
        signals.add(signal.name)
    for i, component in enumerate(asset.component):
        if component.wear and component.wear.signal not in signals:
            yield (
                (*here, "component", i, "wear"),
                f"{asset.id}: wear of {component.name!r} names unknown signal "
                f"{component.wear.signal!r}",
            )
    for i, alarm in enumerate(asset.alarm):
        if alarm.id in seen:
            yield (*here, "alarm", i, "id"), f"the id {alarm.id!r} is used twice"
        seen.add(alarm.id)
        if alarm.signal and alarm.signal not in signals:
            yield (
                (*here, "alarm", i, "signal"),
                f"{alarm.id}: {asset.id} has no signal {alarm.signal!r}",
            )


def _build(file: _File) -> Site:
    return Site(
        id=file.site.id,
        name=file.site.name,
        time_zone=ZoneInfo(file.site.time_zone),
        shifts=tuple(
            Shift(shift.name, shift.start) for shift in sorted(file.shift, key=lambda s: s.start)
        ),
        areas={area.id: Area(area.id, area.name, area.aliases) for area in file.area},
        lines={
            line.id: Line(line.id, line.name, line.ideal_rate, line.aliases) for line in file.line
        },
        assets={asset.id: _asset(asset, file.site.namespace) for asset in file.asset},
    )


def _asset(asset: _Asset, namespace: str) -> Asset:
    def node(text: str) -> Node:
        if text.startswith("nsu="):
            uri, _, identifier = text.removeprefix("nsu=").partition(";")
            return Node(uri, identifier)
        return Node(namespace, text)

    def span(pair: tuple[float, float] | None) -> Range | None:
        return Range(*pair) if pair else None

    def wear(table: _Wear | None) -> Wear | None:
        return Wear(**table.model_dump()) if table else None

    return Asset(
        **asset.model_dump(include={"id", "name", "kind", "area", "line", "model"}),
        aliases=asset.aliases,
        feeds=asset.feeds,
        documents=asset.documents,
        state_node=node(asset.state) if asset.state else None,
        signals=tuple(
            Signal(
                asset=asset.id,
                name=s.name,
                node=node(s.node),
                unit=s.unit,
                aliases=s.aliases,
                normal=span(s.normal),
                range=span(s.range),
                limits=Limits(**s.limits.model_dump()),
                counter=s.counter,
            )
            for s in asset.signal
        ),
        setpoints=tuple(
            Setpoint(
                asset=asset.id,
                name=s.name,
                node=node(s.node),
                unit=s.unit,
                bounds=Range(*s.bounds),
                max_step=s.max_step,
                aliases=s.aliases,
                safety=s.safety,
            )
            for s in asset.setpoint
        ),
        commands=tuple(Command(asset.id, c.name, node(c.node)) for c in asset.command),
        components=tuple(
            Component(asset.id, c.name, c.aliases, c.part, wear(c.wear)) for c in asset.component
        ),
        alarms=tuple(
            AlarmDefinition(a.id, asset.id, a.message, a.severity, node(a.node), a.signal, a.limit)
            for a in asset.alarm
        ),
    )
