"""Decision tables: who asks for what in which plant, and what the policy has to answer.

A table is a TOML file of [[case]] entries (see docs/policy.md). What a case does not say is as on a
quiet weekday morning: the machine runs, nothing is locked out, no alarm is active.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copilot.actor import Actor, Role
from copilot.policy.decision import Decision
from copilot.policy.errors import PolicyError
from copilot.policy.policy import Policy
from copilot.policy.request import EXECUTOR, Request, Verb
from copilot.policy.subject import TARGETS
from copilot_tools.changes import Change, Target
from copilot_tools.facts import Quality, Value
from copilot_tools.plant_state import Observation
from copilot_tools.site.model import Asset, Node, Setpoint, Site
from copilot_tools.site.resolution import exact
from copilot_tools.site.toml_lines import find_line
from copilot_tools.sources.protocols import AlarmState, Reading

_NOWHERE = Node("", "")


class Case(BaseModel):
    """One line of a decision table; times are local to the plant, values in the target's unit."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    verb: Verb
    tool: str
    target: str
    allowed: bool
    rules: tuple[str, ...] | None = None
    role: Role = Role.OPERATOR
    areas: tuple[str, ...] | None = None
    on_shift: bool = True
    signed_in: bool = True
    approvers: Annotated[int, Field(ge=0)] = 0
    confirmed: bool = False
    own: bool = False
    tainted: bool = False
    time: datetime = datetime(2026, 3, 3, 10)
    value: float | None = None
    live: float | None = None
    moved: float = 0.0
    quality: Quality = Quality.GOOD
    age_s: float = 1.0
    state: str = "running"
    lockout: Literal["off", "on", "unseen"] = "off"
    alarms: tuple[str, ...] = ()
    quantity: int = 1
    unit_price: float = 1.0
    currency: str = "EUR"
    priority: str = "medium"


@dataclass(frozen=True, slots=True)
class Table:
    """The cases of a file, each with the line it begins on."""

    origin: str
    cases: tuple[tuple[int, Case], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the policy answered to a case."""

    line: int
    case: Case
    decision: Decision

    @property
    def right(self) -> bool:
        """Whether it is what the table demands; rules count where the case names them."""
        named = self.case.rules
        as_named = named is None or {rule.id for rule in self.decision.rules} == set(named)
        return self.decision.allowed == self.case.allowed and as_named


def read_table(text: str, origin: str) -> Table:
    """The cases of a TOML text; raises PolicyError with file and line."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{origin}: not valid TOML: {error}") from None
    entries = content.get("case")
    if set(content) != {"case"} or not isinstance(entries, list):
        raise PolicyError(f"{origin}: a decision table holds [[case]] entries and nothing else")
    cases: list[tuple[int, Case]] = []
    for position, entry in enumerate(entries):
        try:
            case = Case.model_validate(entry)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            line = find_line(text, ("case", position, *first["loc"]))
            name = ".".join(str(part) for part in first["loc"])
            raise PolicyError(f"{origin}:{line}: {name}: {first['msg']}") from None
        cases.append((find_line(text, ("case", position)), case))
    return Table(origin, tuple(cases))


def load_table(path: Path) -> Table:
    """The cases of a file; raises PolicyError."""
    try:
        return read_table(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: cannot be read as UTF-8 text ({error})") from None


def try_cases(policy: Policy, site: Site, table: Table) -> Iterator[Outcome]:
    """What the policy answers to each case; raises PolicyError when a case names nothing known."""
    for line, case in table.cases:
        try:
            request = build(case, site)
        except LookupError as error:
            raise PolicyError(f"{table.origin}:{line}: {error.args[0]}") from None
        yield Outcome(line, case, policy.decide(request))


def build(case: Case, site: Site) -> Request:
    """The request that a case stands for; raises LookupError when its target is not of the site."""
    at = case.time.replace(tzinfo=site.time_zone).astimezone(UTC)
    target, asset = _target(case, site)
    setpoint = site.setpoint(case.target) if target.kind == "setpoint" else None
    live = _live(case, setpoint)
    areas = case.areas if case.areas is not None else ((asset.area,) if asset else ())
    executes = case.verb == "execute"
    return Request(
        verb=case.verb,
        actor=Actor(
            name=EXECUTOR if executes else "somebody",
            role=case.role,
            person="Somebody",
            areas=areas,
            authenticated=case.signed_in,
            on_shift=case.on_shift,
        ),
        change=_change(case, target, setpoint, live),
        observed=_observed(case, target, asset, setpoint, live, at),
        at=at,
        tainted=case.tainted,
        approvers=case.approvers,
        confirmed=case.confirmed,
        own=case.own,
        moved=case.moved,
    )


def _target(case: Case, site: Site) -> tuple[Target, Asset | None]:
    kind = TARGETS.get(case.tool)
    if kind is None:
        raise LookupError(f"there is no tool {case.tool!r}; there are {', '.join(TARGETS)}")
    alarms = {alarm.id: alarm for alarm in site.alarms()}
    match kind:
        case "part" | "batch":
            return Target(kind, case.target), None
        case "asset":
            if case.target in site.assets:
                return Target(kind, f"{case.target}:0", case.target), site.assets[case.target]
        case "alarm":
            if alarm := alarms.get(case.target):
                return Target(kind, alarm.id, alarm.asset, alarm.node), site.assets[alarm.asset]
        case "setpoint" | "command":
            found = site.setpoint(case.target) if kind == "setpoint" else site.command(case.target)
            if found:
                asset = site.assets[found.asset]
                block = found.handshake if isinstance(found, Setpoint) else None
                return Target(kind, found.id, found.asset, found.node, block), asset
    raise LookupError(f"{case.target!r} is no {kind} of the plant model")


def _live(case: Case, setpoint: Setpoint | None) -> float | None:
    """The present value; where the case names none, the lowest one."""
    if case.live is not None or setpoint is None:
        return case.live
    return setpoint.bounds.low


def _beside(setpoint: Setpoint, live: float | None) -> float | None:
    """The next higher value that can be told from the present one; the next lower at the end."""
    if live is None:
        return None
    count = exact(setpoint.resolution)
    away = (exact(setpoint.tolerance) // count + 1) * count
    higher = float(exact(live) + away)
    return higher if higher in setpoint.bounds else float(exact(live) - away)


def _change(case: Case, target: Target, setpoint: Setpoint | None, live: float | None) -> Change:
    arguments: dict[str, Value]
    match case.tool:
        case "write_setpoint" if setpoint is not None:
            value = _beside(setpoint, live) if case.value is None else case.value
            arguments = {"asset": setpoint.asset, "setpoint": setpoint.name, "value": value}
            unit = setpoint.unit
            return Change(case.tool, target, arguments, "set it", old=live, new=value, unit=unit)
        case "send_command":
            arguments = {"asset": target.asset, "command": target.key.rpartition(".")[2]}
        case "create_work_order":
            arguments = {"asset": target.asset, "title": "look at it", "priority": case.priority}
        case "reserve_part":
            arguments = {"part": target.key, "quantity": case.quantity}
        case "request_purchase":
            arguments = {"part": target.key, "quantity": case.quantity}
            arguments |= {"unit_price": case.unit_price, "currency": case.currency}
        case _:
            arguments = {target.kind: target.key}
    return Change(case.tool, target, arguments, "do it")


def _observed(
    case: Case,
    target: Target,
    asset: Asset | None,
    setpoint: Setpoint | None,
    live: float | None,
    at: datetime,
) -> Observation:
    if asset is None:
        return Observation(at, target)
    then = at - timedelta(seconds=case.age_s)
    watched = {w.signal: _reading(1.0, at) for w in (setpoint.watch if setpoint else ())}
    active = {*case.alarms, *([target.key] if target.kind == "alarm" else [])}
    return Observation(
        at=at,
        target=target,
        state=_reading(case.state, at),
        lockout=None if case.lockout == "unseen" else _reading(case.lockout == "on", at),
        alarms=tuple(AlarmState(a, True, False, at) for a in asset.alarms if a.id in active),
        live=Reading(target.node or _NOWHERE, live, case.quality, then, "") if setpoint else None,
        watched=watched,
    )


def _reading(value: Value, at: datetime) -> Reading:
    return Reading(_NOWHERE, value, Quality.GOOD, at, "Good")
