"""Who asks, and whether the change is what the plant model and its own words say it is."""

from math import isfinite

from copilot.policy.invariants.invariant import ALL, STOCK, invariant
from copilot.policy.request import EXECUTOR
from copilot.policy.subject import LARGEST, TARGETS, Subject


@invariant("signed-in", ALL)
def signed_in(subject: Subject) -> str | None:
    """Only who is signed in proposes, approves or executes."""
    actor = subject.request.actor
    return None if actor.authenticated and actor.name else "you are not signed in"


@invariant("executor-alone", ALL)
def executor_alone(subject: Subject) -> str | None:
    """Only the executor carries out, and it does nothing else."""
    executes = subject.request.verb == "execute"
    if executes == (subject.request.actor.name == EXECUTOR):
        return None
    return "only the executor carries changes out, and it neither proposes nor approves"


@invariant("agreed", ALL)
def agreed(subject: Subject) -> str | None:
    """Nothing is carried out before a person agreed to it."""
    request = subject.request
    if request.verb != "execute" or request.confirmed or request.approvers > 0:
        return None
    return "nobody has agreed to it yet"


@invariant("sound", ALL)
def sound(subject: Subject) -> str | None:
    """Times have a time zone; counts and distances are not negative."""
    request = subject.request
    counted = type(request.approvers) is int and 0 <= request.approvers <= LARGEST
    moved = isfinite(request.moved) and request.moved >= 0
    timed = request.at.tzinfo is not None and request.observed.at.tzinfo is not None
    return None if counted and moved and timed else "the request makes no sense in itself"


@invariant("known-target", ALL)
def known_target(subject: Subject) -> str | None:
    """The target stands in the plant model as it is named."""
    target = subject.request.change.target
    known = subject.known
    named = target.kind == TARGETS[subject.tool] and target.key.strip() and known is not None
    if not named:
        return f"{target.key or 'the target'} is no {TARGETS[subject.tool]} of the plant model"
    if known != (target.asset, target.node, target.block):
        return f"{target.key} is not the same in the plant model any more"
    if subject.request.observed.target != target:
        return f"something else than {target.key} was observed"
    return None


@invariant("as-shown", ALL)
def as_shown(subject: Subject) -> str | None:
    """The arguments say the same as the change that is shown."""
    change = subject.request.change
    arguments = dict(change.arguments)
    expected: dict[str, object] = {}
    if subject.setpoint:
        expected = {"asset": subject.setpoint.asset, "setpoint": subject.setpoint.name}
        expected["value"] = change.new
        if change.unit != subject.setpoint.unit:
            return f"{subject.key} is set in {subject.setpoint.unit}, not in {change.unit}"
    elif subject.command:
        expected = {"asset": subject.command.asset, "command": subject.command.name}
    elif subject.tool == "create_work_order":
        expected = {"asset": change.target.asset}
    elif subject.tool in STOCK:
        expected = {"part": change.target.key}
    elif subject.tool in ("hold_batch", "acknowledge_alarm"):
        expected = {TARGETS[subject.tool]: change.target.key}
    for name, value in expected.items():
        said = arguments.get(name)
        if name not in arguments or type(said) is not type(value) or said != value:
            return f"the argument {name!r} is not what is shown"
    return None
