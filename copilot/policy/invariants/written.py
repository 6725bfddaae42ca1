"""What may be written, and how far it may move."""

from math import isfinite

from copilot.policy.invariants.invariant import MACHINE, SETPOINT, invariant
from copilot.policy.subject import LARGEST, Subject
from copilot_tools.site.model import SafetyClass
from copilot_tools.site.resolution import can_be_told_apart, is_whole_count


@invariant("finite-number", SETPOINT)
def finite_number(subject: Subject) -> str | None:
    """A setpoint is set to a finite number."""
    return None if subject.new is not None else f"{subject.key} can only be set to a finite number"


@invariant("writable", SETPOINT)
def writable(subject: Subject) -> str | None:
    """Only setpoints marked writable in the plant model are written."""
    if subject.setpoint is None or subject.setpoint.writable:
        return None
    return f"{subject.key} is not marked writable in the plant model"


@invariant("safety-system", MACHINE)
def safety_system(subject: Subject) -> str | None:
    """What is of the safety system is never written and never sent."""
    changed = subject.setpoint or subject.command
    if changed is None or changed.safety is SafetyClass.PROCESS:
        return None
    return f"{subject.key} belongs to the safety system, which is never touched"


@invariant("bounds", SETPOINT)
def bounds(subject: Subject) -> str | None:
    """A setpoint stays within its bounds."""
    if subject.setpoint is None or subject.new is None or subject.new in subject.setpoint.bounds:
        return None
    low, high = subject.setpoint.bounds.low, subject.setpoint.bounds.high
    ends = " to ".join("any" if end is None else f"{end:.10g}" for end in (low, high))
    unit = subject.setpoint.unit
    return (
        f"{subject.say(subject.new)} is outside the bounds of {subject.key}, {ends} {unit}".strip()
    )


@invariant("weighable", SETPOINT)
def weighable(subject: Subject) -> str | None:
    """Values are at most 1,000,000,000 counts of their resolution."""
    setpoint = subject.setpoint
    if setpoint is None:
        return None
    numbers = (subject.new, subject.live, subject.request.moved)
    if all(x is None or abs(x) <= LARGEST * setpoint.resolution for x in numbers):
        return None
    return f"a value of {subject.key} is too large to be weighed"


@invariant("resolution", SETPOINT)
def resolution(subject: Subject) -> str | None:
    """A setpoint is set in whole counts of its resolution."""
    if subject.setpoint is None or subject.new is None or weighable.check(subject):
        return None
    if is_whole_count(subject.new, subject.setpoint.resolution):
        return None
    return f"{subject.key} is set in steps of {subject.say(subject.setpoint.resolution)}"


@invariant("largest-step", SETPOINT)
def largest_step(subject: Subject) -> str | None:
    """A setpoint moves by no more than its largest step at once."""
    setpoint, step, distance = subject.setpoint, subject.step, subject.distance
    if setpoint is None or setpoint.max_step is None or step is None or distance is None:
        return None
    if step <= subject.counts(setpoint.max_step):
        return None
    most = subject.say(setpoint.max_step)
    return f"a step of {subject.say(distance)} is more than {subject.key} may take, {most}"


@invariant("visible", SETPOINT)
def visible(subject: Subject) -> str | None:
    """A new value can be told from the present one."""
    setpoint, new, live = subject.setpoint, subject.new, subject.live
    if setpoint is None or new is None or live is None:
        return None
    if can_be_told_apart(new, live, setpoint.tolerance):
        return None
    return (
        f"the effect on {subject.key} could not be told from the present value, {subject.say(live)}"
    )


@invariant("largest-rate", SETPOINT)
def largest_rate(subject: Subject) -> str | None:
    """A setpoint moves by no more than its largest rate an hour."""
    setpoint, step, moved = subject.setpoint, subject.step, subject.request.moved
    distance = subject.distance
    if setpoint is None or setpoint.max_rate is None or step is None or distance is None:
        return None
    if not isfinite(moved) or subject.moved + step <= subject.counts(setpoint.max_rate):
        return None
    most, before = subject.say(setpoint.max_rate), subject.say(moved)
    return (
        f"{subject.key} may move by {most} an hour; it moved by {before} "
        f"and would by {subject.say(distance)} more"
    )


@invariant("allowed-command", ("send_command",))
def allowed_command(subject: Subject) -> str | None:
    """Only commands marked allowed are sent."""
    if subject.command is None or subject.command.allowed:
        return None
    return f"{subject.key} is not marked allowed in the plant model"
