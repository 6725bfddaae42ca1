"""Puts a request into Cedar's terms: whole numbers, the plant's own clock, and what was seen."""

from collections import Counter
from decimal import ROUND_CEILING, Decimal
from typing import Any

from copilot.policy.engine import Question
from copilot.policy.entities import PlantEntities, Uid, reference
from copilot.policy.subject import LARGEST, Subject
from copilot_tools.site.model import Severity

_RESOURCES = {
    "setpoint": "Setpoint",
    "command": "Command",
    "alarm": "Alarm",
    "asset": "Asset",
    "part": "Part",
    "batch": "Batch",
}


def put(subject: Subject, entities: PlantEntities) -> Question:
    """The question of a request that breaks no invariant."""
    request = subject.request
    target = request.change.target
    name = target.asset if target.kind == "asset" else target.key
    resource: Uid = (_RESOURCES[target.kind], name)
    described = entities.target(resource)
    if request.verb == "execute":
        principal: Uid = ("Executor", request.actor.name)
    else:
        principal = ("User", request.actor.name)
        described = (*described, entities.user(request.actor))
    action = f"{subject.tool}.{request.verb}"
    return Question(principal, action, resource, _context(subject), described)


def _context(subject: Subject) -> dict[str, Any]:
    request = subject.request
    local = request.at.astimezone(subject.site.time_zone)
    return {
        "approval": {
            "count": request.approvers,
            "confirmed": request.confirmed,
            "own": request.own,
        },
        "clock": {"minute": local.hour * 60 + local.minute, "weekday": local.isoweekday()},
        "tainted": request.tainted,
        **_about(subject),
    }


def _about(subject: Subject) -> dict[str, Any]:
    """What only this tool has."""
    arguments = subject.request.change.arguments
    match subject.tool:
        case "write_setpoint":
            return {"machine": _machine(subject), **_setpoint(subject)}
        case "send_command":
            return {"machine": _machine(subject)}
        case "create_work_order":
            return {"priority": reference("Priority", str(arguments["priority"]))}
        case "reserve_part":
            return {"quantity": arguments["quantity"]}
        case "request_purchase":
            return {
                "quantity": arguments["quantity"],
                "total": _hundredths(subject),
                "currency": arguments["currency"],
            }
    return {}


def _machine(subject: Subject) -> dict[str, Any]:
    observed = subject.request.observed
    severities = Counter(a.definition.severity for a in observed.alarms or () if a.active)
    return {
        "state": str(observed.state.value) if observed.state else "",
        "alarms": severities.total(),
        "high_alarms": severities[Severity.HIGH],
        "critical_alarms": severities[Severity.CRITICAL],
    }


def _setpoint(subject: Subject) -> dict[str, int]:
    setpoint, new, live, step = subject.setpoint, subject.new, subject.live, subject.step
    if setpoint is None or new is None or live is None or step is None:
        raise ValueError(f"{subject.key} has no numbers to be weighed")
    low, high = setpoint.bounds.low, setpoint.bounds.high
    lowest = -LARGEST if low is None else subject.counts(low)
    highest = LARGEST if high is None else subject.counts(high)
    most = highest - lowest if setpoint.max_step is None else subject.counts(setpoint.max_step)
    value = subject.counts(new)
    return {
        "value": value,
        "live": subject.counts(live),
        "step": step,
        "largest_step": most,
        "moved": subject.moved,
        "above_low": value - lowest,
        "below_high": highest - value,
    }


def _hundredths(subject: Subject) -> int:
    """Quantity times price, rounded up to a hundredth of the currency."""
    arguments = subject.request.change.arguments
    total = Decimal(repr(arguments["unit_price"])) * Decimal(str(arguments["quantity"])) * 100
    return int(total.to_integral_value(ROUND_CEILING))
