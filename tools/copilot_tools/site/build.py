"""Builds a Site from the checked tables of `plant.toml`."""

from zoneinfo import ZoneInfo

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
    Setpoint,
    Shift,
    Signal,
    Site,
    Watch,
    Wear,
)
from copilot_tools.site.node_text import read_node
from copilot_tools.site.toml_tables import (
    AssetTable,
    CommandTable,
    PlantFile,
    SetpointTable,
    SignalTable,
    WearTable,
)


def build_site(file: PlantFile, digest: str) -> Site:
    """The plant model that a checked file describes; `digest` is the SHA-256 of its text."""
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
        digest=digest,
    )


def _asset(asset: AssetTable, namespace: str) -> Asset:
    def node(text: str | None) -> Node | None:
        return read_node(text, namespace) if text else None

    return Asset(
        **asset.model_dump(include={"id", "name", "kind", "area", "line", "model"}),
        aliases=asset.aliases,
        feeds=asset.feeds,
        documents=asset.documents,
        state_node=node(asset.state),
        lockout_node=node(asset.lockout),
        signals=tuple(_signal(asset.id, s, namespace) for s in asset.signal),
        setpoints=tuple(_setpoint(asset.id, s, namespace) for s in asset.setpoint),
        commands=tuple(_command(asset.id, c, namespace) for c in asset.command),
        components=tuple(
            Component(asset.id, c.name, c.aliases, c.part, _wear(c.wear)) for c in asset.component
        ),
        alarms=tuple(
            AlarmDefinition(
                a.id,
                asset.id,
                a.message,
                a.severity,
                read_node(a.node, namespace),
                a.signal,
                a.limit,
            )
            for a in asset.alarm
        ),
    )


def _signal(asset: str, signal: SignalTable, namespace: str) -> Signal:
    return Signal(
        asset=asset,
        name=signal.name,
        node=read_node(signal.node, namespace),
        unit=signal.unit,
        aliases=signal.aliases,
        normal=_span(signal.normal),
        range=_span(signal.range),
        limits=Limits(**signal.limits.model_dump()),
        counter=signal.counter,
    )


def _setpoint(asset: str, setpoint: SetpointTable, namespace: str) -> Setpoint:
    return Setpoint(
        asset=asset,
        name=setpoint.name,
        node=read_node(setpoint.node, namespace),
        unit=setpoint.unit,
        bounds=Range(*setpoint.bounds),
        max_step=setpoint.max_step,
        aliases=setpoint.aliases,
        safety=setpoint.safety,
        writable=setpoint.writable,
        resolution=setpoint.resolution,
        tolerance=setpoint.tolerance or setpoint.resolution / 2,
        max_rate=setpoint.max_rate,
        critical=setpoint.critical,
        watch=tuple(Watch(w.signal, w.tolerance) for w in setpoint.watch),
        settle_s=setpoint.settle_s,
        handshake=read_node(setpoint.handshake, namespace) if setpoint.handshake else None,
    )


def _command(asset: str, command: CommandTable, namespace: str) -> Command:
    return Command(
        asset=asset,
        name=command.name,
        node=read_node(command.node, namespace),
        safety=command.safety,
        allowed=command.allowed,
        expects=command.expects,
        settle_s=command.settle_s,
        critical=command.critical,
    )


def _span(pair: tuple[float, float] | None) -> Range | None:
    return Range(*pair) if pair else None


def _wear(table: WearTable | None) -> Wear | None:
    return Wear(**table.model_dump()) if table else None
