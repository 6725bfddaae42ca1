"""The default policy and the invariants said once more, as plain Python predicates.

Nothing is shared with the policy itself beyond the shape of a request, so that a mistake in either
shows as a difference. It is also the yardstick of speed.
"""

from datetime import timedelta
from fractions import Fraction
from math import ceil, isfinite
from typing import Any

from copilot.policy.request import Request
from copilot_tools.facts import Quality
from copilot_tools.site.model import SafetyClass, Setpoint, Severity, Site
from copilot_tools.sources.protocols import Reading

_PLANT = ("write_setpoint", "send_command", "acknowledge_alarm")
_CONFIRMED = ("acknowledge_alarm", "create_work_order", "reserve_part")
_MOST = 10**9


def allows(request: Request, site: Site, live_age: timedelta) -> bool:
    """Whether the default policy has to allow the request."""
    if not _makes_sense(request) or not _target_is_right(request, site):
        return False
    if not _target_may_be_changed(request, site, live_age):
        return False
    match request.verb:
        case "propose":
            return _may_propose(request, site)
        case "approve":
            return _may_approve(request, site)
    return _may_execute(request, site)


def _makes_sense(request: Request) -> bool:
    executes = request.verb == "execute"
    return (
        request.actor.authenticated
        and request.actor.name != ""
        and executes == (request.actor.name == "executor")
        and (not executes or request.confirmed or request.approvers > 0)
        and 0 <= request.approvers <= _MOST
        and isfinite(request.moved)
        and request.moved >= 0
        and request.observed.target == request.change.target
    )


def _target_is_right(request: Request, site: Site) -> bool:
    change, target = request.change, request.change.target
    said = dict(change.arguments)
    here = (target.kind, target.asset, target.node, target.block)
    match change.tool:
        case "write_setpoint":
            s = site.setpoint(target.key)
            return (
                s is not None
                and here == ("setpoint", s.asset, s.node, s.handshake)
                and (said.get("asset"), said.get("setpoint")) == (s.asset, s.name)
                and _same(said.get("value"), change.new)
                and change.unit == s.unit
            )
        case "send_command":
            c = site.command(target.key)
            return (
                c is not None
                and here == ("command", c.asset, c.node, None)
                and (said.get("asset"), said.get("command")) == (c.asset, c.name)
            )
        case "acknowledge_alarm":
            a = next((a for a in site.alarms() if a.id == target.key), None)
            return (
                a is not None
                and here == ("alarm", a.asset, a.node, None)
                and said.get("alarm") == target.key
            )
        case "create_work_order":
            known = target.asset in site.assets and said.get("asset") == target.asset
            return here == ("asset", target.asset, None, None) and target.key != "" and known
        case "reserve_part" | "request_purchase":
            return here == ("part", "", None, None) and "" != target.key == said.get("part")
        case "hold_batch":
            return here == ("batch", "", None, None) and "" != target.key == said.get("batch")
    return False


def _target_may_be_changed(request: Request, site: Site, live_age: timedelta) -> bool:
    observed, key = request.observed, request.change.target.key
    tool = request.change.tool
    if tool not in _PLANT:
        return _record_may_be_made(request)
    if observed.alarms is None or abs(request.at - observed.at) > live_age:
        return False
    if tool == "acknowledge_alarm":
        return any(a.definition.id == key and not a.acknowledged for a in observed.alarms)
    if not _machine_is_free(request, site):
        return False
    setpoint, command = site.setpoint(key), site.command(key)
    if tool == "send_command":
        return command is not None and command.allowed and command.safety is not SafetyClass.SIS
    return setpoint is not None and _may_be_written(request, setpoint, live_age)


def _machine_is_free(request: Request, site: Site) -> bool:
    state, lockout = request.observed.state, request.observed.lockout
    if state is None or lockout is None or not _good(state) or not _good(lockout):
        return False
    asset = site.assets[request.change.target.asset]
    return asset.lockout_node is not None and lockout.value is False and state.value != ""


def _record_may_be_made(request: Request) -> bool:
    said = request.change.arguments
    match request.change.tool:
        case "create_work_order":
            titled = isinstance(said.get("title"), str) and str(said["title"]).strip() != ""
            return titled and said.get("priority") in ("low", "medium", "high", "urgent")
        case "reserve_part":
            return _whole(said.get("quantity"))
        case "request_purchase":
            priced = _number(said.get("unit_price")) and isinstance(said.get("currency"), str)
            if not _whole(said.get("quantity")) or not priced or not str(said["currency"]).strip():
                return False
            return 0 <= _total(said) <= _MOST
    return True


def _may_be_written(request: Request, s: Setpoint, live_age: timedelta) -> bool:
    observed, new = request.observed, request.change.new
    reading = observed.live
    if not s.writable or s.safety is SafetyClass.SIS or reading is None:
        return False
    if not _number(new) or not _number(reading.value) or reading.quality is not Quality.GOOD:
        return False
    if abs(request.at - reading.time) > live_age:
        return False
    if any(not _good(observed.watched.get(watch.signal)) for watch in s.watch):
        return False
    wanted, live, moved = (_exact(x) for x in (new, reading.value, request.moved))
    count = _exact(s.resolution)
    if wanted % count or max(abs(wanted), abs(live), moved) > _MOST * count:
        return False
    if new not in s.bounds:  # type: ignore[operator]
        return False
    if abs(wanted - live) <= max(_exact(s.tolerance), abs(wanted) / 10**6, abs(live) / 10**6):
        return False
    step = _begun(abs(wanted - live) / count)
    if s.max_step is not None and step * count > _exact(s.max_step):
        return False
    return s.max_rate is None or (_begun(moved / count) + step) * count <= _exact(s.max_rate)


def _may_propose(request: Request, site: Site) -> bool:
    role = request.actor.role
    if role == "admin" or not _quiet(request, site):
        return False
    if request.change.tool in _PLANT:
        return _in_own_area(request, site)
    return role != "operator" or request.change.tool != "request_purchase"


def _may_approve(request: Request, site: Site) -> bool:
    role, tool = request.actor.role, request.change.tool
    if role == "admin" or not _quiet(request, site):
        return False
    if tool in _PLANT and not _in_own_area(request, site):
        return False
    if request.own:
        return tool in _CONFIRMED
    if tool == "create_work_order" and not _in_own_area(request, site):
        return False
    return role in ("supervisor", "engineer") and request.actor.on_shift


def _may_execute(request: Request, site: Site) -> bool:
    tool, agreed = request.change.tool, request.approvers
    setpoint = site.setpoint(request.change.target.key)
    command = site.command(request.change.target.key)
    critical = (tool == "write_setpoint" and setpoint is not None and setpoint.critical) or (
        tool == "send_command" and command is not None and command.critical
    )
    large = tool == "request_purchase" and _total(request.change.arguments) > 100_000
    if (critical or large or request.tainted) and agreed < 2:
        return False
    enough = agreed >= 1 or (tool in _CONFIRMED and request.confirmed)
    return enough and _quiet(request, site)


def _quiet(request: Request, site: Site) -> bool:
    """No start under a critical alarm, no large step at night."""
    if request.change.tool == "send_command":
        active = [a.definition.severity for a in request.observed.alarms or () if a.active]
        starts = request.change.target.key.endswith(".start")
        return not (starts and Severity.CRITICAL in active)
    setpoint = site.setpoint(request.change.target.key)
    if request.change.tool != "write_setpoint" or setpoint is None:
        return True
    hour = request.at.astimezone(site.time_zone).hour
    live = request.observed.live
    if live is None or 6 <= hour < 22:
        return True
    count = _exact(setpoint.resolution)
    ends = setpoint.bounds
    most = (
        setpoint.max_step if setpoint.max_step is not None else (ends.high or 0) - (ends.low or 0)
    )
    step = _begun(abs(_exact(request.change.new) - _exact(live.value)) / count)
    return 2 * step <= round(_exact(most) / count)


def _in_own_area(request: Request, site: Site) -> bool:
    area = site.assets[request.change.target.asset].area
    return area in request.actor.areas or "*" in request.actor.areas


def _good(reading: Reading | None) -> bool:
    return reading is not None and reading.quality is Quality.GOOD and reading.value is not None


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= 2**63 if isinstance(value, int) else isfinite(value)


def _whole(value: Any) -> bool:
    return type(value) is int and 1 <= value <= _MOST


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _exact(value: Any) -> Fraction:
    """The decimal number that people see, exactly."""
    return Fraction(repr(float(value)))


def _begun(counts: Fraction) -> int:
    """Whole counts, begun ones counted; a thousandth of one is rounding."""
    whole = counts.numerator // counts.denominator
    return whole if counts - whole <= Fraction(1, 1000) else whole + 1


def _total(said: Any) -> int:
    """Hundredths of the currency, begun ones counted."""
    return ceil(_exact(said["unit_price"]) * int(said["quantity"]) * 100)
