"""The state of the plant around a change: observed, shown to approvers, and compared again.

What approvers saw must still hold when the executor sends; `differences` says in plain words what
does not. What cannot be read is never taken to be as it was.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from copilot_tools.changes import Precondition, Target
from copilot_tools.display import format_value
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quality, Value
from copilot_tools.plant import Plant
from copilot_tools.site.model import Asset, Node, Setpoint, Site
from copilot_tools.sources.protocols import AlarmState, Reading

STATE = "state"
LOCKOUT = "lock-out"
LIVE = "set value"
ACTIVE = "active alarms"
UNACKNOWLEDGED = "unacknowledged alarm"
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Observation:
    """What could be seen of a target at one time (UTC); None is what could not, or is not there.

    `live` is the present value of a setpoint; `watched` has the signals it watches, by name.
    `alarms` are the active ones of the asset, and the alarm itself where that is the target.
    `problems` say what should have been seen and why it was not.
    """

    at: datetime
    target: Target
    state: Reading | None = None
    lockout: Reading | None = None
    alarms: tuple[AlarmState, ...] | None = None
    live: Reading | None = None
    watched: Mapping[str, Reading] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


async def observe(plant: Plant, target: Target) -> Observation:
    """The target and its asset as they are now; a dead source is a problem, not an error."""
    if not target.asset:
        return Observation(plant.now(), target)
    asset = plant.site.assets.get(target.asset)
    if asset is None:
        missing = f"{target.asset} is not in the plant model"
        return Observation(plant.now(), target, problems=(missing,))
    problems: list[str] = []
    nodes = _nodes(plant.site, asset, target, problems)
    readings, alarms = await asyncio.gather(
        _read(plant, target.asset, nodes, problems), _alarms(plant, target, problems)
    )
    return Observation(
        at=plant.now(),
        target=target,
        state=readings.get((STATE, "")),
        lockout=readings.get((LOCKOUT, "")),
        alarms=alarms,
        live=readings.get((LIVE, "")),
        watched={name: reading for (what, name), reading in readings.items() if what == "watched"},
        problems=tuple(problems),
    )


def preconditions(site: Site, observation: Observation) -> tuple[Precondition, ...]:
    """What is shown of the target now and must still hold when the change is carried out.

    Setpoints and commands are bound to the machine's state, its lock-out and its active alarms; a
    setpoint also to its own value and the signals it watches; an acknowledgement to its alarm.
    Records of the ERP are bound to nothing of the plant.
    """
    target = observation.target
    if target.kind == "alarm":
        return tuple(_shown_alarms(observation, UNACKNOWLEDGED))
    if target.kind not in ("setpoint", "command"):
        return ()
    shown: list[Precondition] = []
    if (state := observation.state) is not None:
        shown += [
            Precondition("state", target.asset, STATE, state.value, state.time, state.quality)
        ]
    if (off := observation.lockout) is not None:
        shown += [Precondition("lockout", target.asset, LOCKOUT, off.value, off.time, off.quality)]
    shown += _shown_alarms(observation, ACTIVE)
    setpoint = site.setpoint(target.key)
    if setpoint is not None:
        shown += _shown_values(site, setpoint, observation)
    return tuple(shown)


def at_rest(setpoint: Reading, read: datetime) -> Reading:
    """The reading of a setpoint, as old as the look at it (`read`, UTC).

    A setpoint keeps its value until somebody sets it: many servers leave its source time at that
    moment, and then a good value says no less for being old. Other qualities stay what they are.
    """
    if setpoint.quality not in (Quality.GOOD, Quality.STALE):
        return setpoint
    return replace(setpoint, quality=Quality.GOOD, time=read)


def differences(shown: Sequence[Precondition], now: Observation) -> tuple[str, ...]:
    """What is no longer as it was shown, one plain line each; empty when all of it still holds."""
    return tuple(line for precondition in shown if (line := _difference(precondition, now)))


_Key = tuple[str, str]


def _nodes(site: Site, asset: Asset, target: Target, problems: list[str]) -> dict[_Key, Node]:
    nodes: dict[_Key, Node] = {}
    for name, node in ((STATE, asset.state_node), (LOCKOUT, asset.lockout_node)):
        if node is not None:
            nodes[name, ""] = node
        elif target.kind in ("setpoint", "command"):
            problems.append(f"{asset.id} has no {name} in the plant model")
    if target.kind == "setpoint":
        nodes |= _setpoint_nodes(site, asset, target, problems)
    return nodes


def _setpoint_nodes(
    site: Site, asset: Asset, target: Target, problems: list[str]
) -> dict[_Key, Node]:
    """The nodes of a setpoint; none when the plant model now means another one by its name."""
    setpoint = site.setpoint(target.key)
    if setpoint is None or (setpoint.node, setpoint.handshake) != (target.node, target.block):
        problems.append(f"{target.key} is not in the plant model, or no longer the same node")
        return {}
    signals = {signal.name: signal.node for signal in asset.signals}
    watched = {("watched", watch.signal): signals[watch.signal] for watch in setpoint.watch}
    return {(LIVE, ""): setpoint.node, **watched}


async def _read(
    plant: Plant, asset: str, nodes: Mapping[_Key, Node], problems: list[str]
) -> dict[_Key, Reading]:
    try:
        readings = await plant.telemetry.read(list(nodes.values()))
    except Unavailable as error:
        problems.append(str(error))
        return {}
    read = dict(zip(nodes, readings, strict=True))
    if (LIVE, "") in read:
        read[LIVE, ""] = at_rest(read[LIVE, ""], plant.now())
    for (what, name), reading in read.items():
        if reading.quality is not Quality.GOOD:
            problems.append(
                f"{asset} {name or what} is of {reading.quality} quality ({reading.status})"
            )
    return read


async def _alarms(
    plant: Plant, target: Target, problems: list[str]
) -> tuple[AlarmState, ...] | None:
    try:
        standing = await plant.alarms.standing()
    except Unavailable as error:
        problems.append(str(error))
        return None
    return tuple(
        state
        for state in standing
        if state.definition.asset == target.asset
        and (state.active or (target.kind == "alarm" and state.definition.id == target.key))
    )


def _shown_alarms(observation: Observation, name: str) -> Iterator[Precondition]:
    ids = _alarm_ids(observation, name)
    if ids is not None:
        yield Precondition("alarms", observation.target.asset, name, ids, observation.at)


def _alarm_ids(observation: Observation, name: str) -> str | None:
    """The ids of active alarms, or the occurrence of the target while it waits."""
    alarms, key = observation.alarms, observation.target.key
    if alarms is None:
        return None
    if name == ACTIVE:
        return ",".join(sorted(alarm.definition.id for alarm in alarms if alarm.active))
    waiting = (a for a in alarms if a.definition.id == key and not a.acknowledged)
    return ",".join(_occurrence(alarm) for alarm in waiting)


def _occurrence(alarm: AlarmState) -> str:
    """An alarm as it was raised this time: who acknowledges it agrees to no later one."""
    return f"{alarm.definition.id} since {alarm.since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _shown_values(
    site: Site, setpoint: Setpoint, observation: Observation
) -> Iterator[Precondition]:
    if observation.live is not None:
        live = observation.live
        yield _value(setpoint, LIVE, live, setpoint.unit, setpoint.tolerance)
    units = {signal.name: signal.unit for signal in site.assets[setpoint.asset].signals}
    for watch in setpoint.watch:
        reading = observation.watched.get(watch.signal)
        if reading is not None:
            yield _value(setpoint, watch.signal, reading, units[watch.signal], watch.tolerance)


def _value(
    setpoint: Setpoint, name: str, reading: Reading, unit: str, tolerance: float
) -> Precondition:
    """`set value` belongs to the setpoint itself, other names to signals of its asset."""
    subject = setpoint.id if name == LIVE else setpoint.asset
    return Precondition(
        "value", subject, name, reading.value, reading.time, reading.quality, unit, tolerance
    )


def _difference(shown: Precondition, now: Observation) -> str | None:
    what = f"{shown.subject} {shown.name}"
    if shown.subject not in (now.target.asset, now.target.key):
        return f"{what} cannot be read now"
    if shown.kind == "alarms":
        return _alarm_difference(what, shown, now)
    reading = _reading(shown, now)
    if reading is None or reading.value is None:
        return f"{what} cannot be read now"
    if reading.quality is not Quality.GOOD:
        return f"{what} is of {reading.quality} quality now ({reading.status})"
    if _holds(shown.shown, reading.value, shown.tolerance):
        return None
    old, new = (_say(shown, value) for value in (shown.shown, reading.value))
    return f"{what} was {old}, is {new}"


def _alarm_difference(what: str, shown: Precondition, now: Observation) -> str | None:
    ids = _alarm_ids(now, shown.name)
    if ids is None:
        return f"{what} cannot be read now"
    if ids == shown.shown:
        return None
    return f"{what}: shown {shown.shown or 'none'}, now {ids or 'none'}"


def _reading(shown: Precondition, now: Observation) -> Reading | None:
    match shown.kind:
        case "state":
            return now.state
        case "lockout":
            return now.lockout
    return now.live if shown.subject == now.target.key else now.watched.get(shown.name)


def _holds(shown: Value, now: Value, tolerance: float) -> bool:
    if _is_number(shown) and _is_number(now):
        return abs(float(str(now)) - float(str(shown))) <= tolerance + _ROUNDING
    return type(shown) is type(now) and shown == now


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _say(shown: Precondition, value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if _is_number(value):
        return f"{value:.6g} {shown.unit}".rstrip()
    return format_value(value)
