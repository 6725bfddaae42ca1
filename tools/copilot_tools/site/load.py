"""Reads `plant.toml` into a Site; every error names the line and says what to write instead."""

import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from copilot_tools.site.build import build_site
from copilot_tools.site.model import SafetyClass, Site
from copilot_tools.site.node_uses import shared_nodes
from copilot_tools.site.resolution import is_whole_count
from copilot_tools.site.toml_lines import find_line
from copilot_tools.site.toml_tables import AssetTable, CommandTable, PlantFile, SetpointTable

Problem = tuple[tuple[str | int, ...], str]


class SiteError(Exception):
    """The plant model cannot be used; the message says where, why and how to mend it."""


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
        file = PlantFile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        where = f"{origin}:{find_line(text, first['loc'])}"
        name = ".".join(str(part) for part in first["loc"])
        raise SiteError(f"{where}: {name}: {first['msg']}{more}") from None
    for problem_path, problem in _problems(file):
        raise SiteError(f"{origin}:{find_line(text, problem_path)}: {problem}")
    return build_site(file, sha256(text.encode("utf-8")).hexdigest())


def _problems(file: PlantFile) -> Iterator[Problem]:
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
    yield from shared_nodes(file)


def _asset_problems(
    asset: AssetTable, here: tuple[str | int, ...], seen: set[str]
) -> Iterator[Problem]:
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
    yield from _change_problems(asset, here, signals)


def _change_problems(
    asset: AssetTable, here: tuple[str | int, ...], signals: set[str]
) -> Iterator[Problem]:
    """What would make a setpoint or command that may be changed unsafe to change."""
    names: dict[str, list[str]] = {
        "setpoint": [setpoint.name for setpoint in asset.setpoint],
        "command": [command.name for command in asset.command],
    }
    for what, given in names.items():
        for i, name in enumerate(given):
            if name in given[:i]:
                yield (
                    (*here, what, i, "name"),
                    f"{asset.id}: the {what} {name!r} is described twice",
                )
    for i, setpoint in enumerate(asset.setpoint):
        for key, problem in _setpoint_problems(asset, setpoint, signals):
            yield (*here, "setpoint", i, key), f"{asset.id}.{setpoint.name}: {problem}"
    for i, command in enumerate(asset.command):
        if command.allowed:
            for key, problem in _command_problems(asset, command):
                yield (*here, "command", i, key), f"{asset.id}.{command.name}: {problem}"


def _setpoint_problems(
    asset: AssetTable, setpoint: SetpointTable, signals: set[str]
) -> Iterator[tuple[str, str]]:
    for watch in setpoint.watch:
        if watch.signal not in signals:
            yield "watch", f"watches unknown signal {watch.signal!r}"
    span = setpoint.bounds[1] - setpoint.bounds[0]
    if setpoint.tolerance is not None and setpoint.tolerance >= span:
        yield "tolerance", f"{setpoint.tolerance:g} is not smaller than the span of its bounds"
    if setpoint.handshake and ";s=" not in f";{setpoint.handshake}":
        yield "handshake", "the folder of a command block has a text for an id: 's=K-7.command'"
    if not setpoint.writable:
        return
    if setpoint.safety is SafetyClass.SIS:
        yield "writable", 'a setpoint with safety = "sis" is never writable'
    if not asset.lockout:
        yield "writable", f"{asset.id} needs a `lockout` node before it may be written"
    low, high = setpoint.bounds
    steps = (("max_step", setpoint.max_step), ("max_rate", setpoint.max_rate))
    for key, number in (("bounds", low), ("bounds", high), *steps):
        if number is not None and not is_whole_count(number, setpoint.resolution):
            yield key, f"{number:g} is no whole count of the resolution {setpoint.resolution:g}"


def _command_problems(asset: AssetTable, command: CommandTable) -> Iterator[tuple[str, str]]:
    if command.safety is SafetyClass.SIS:
        yield "allowed", 'a command with safety = "sis" is never allowed'
    if not asset.lockout:
        yield "allowed", f"{asset.id} needs a `lockout` node before it may be commanded"
    if not asset.state:
        yield "allowed", f"{asset.id} needs a `state` node: without one no command can be verified"
    if not command.expects:
        yield "allowed", "name in `expects` the states that show it was carried out"
