"""What must have been seen of the plant, and how well."""

from datetime import timedelta

from copilot.policy.invariants.invariant import MACHINE, PLANT, SETPOINT, invariant
from copilot.policy.invariants.who import sound
from copilot.policy.subject import Subject
from copilot_tools.facts import Quality
from copilot_tools.sources.protocols import Reading


@invariant("observed-now", PLANT)
def observed_now(subject: Subject) -> str | None:
    """The plant was looked at just now."""
    if sound.check(subject):
        return None
    age = subject.request.at - subject.request.observed.at
    if abs(age) <= subject.live_age:
        return None
    return f"the plant was looked at {_seconds(age)} ago, not within {_seconds(subject.live_age)}"


@invariant("live-value", SETPOINT)
def live_value(subject: Subject) -> str | None:
    """The present value is read as a number of good quality."""
    reading = subject.request.observed.live
    if reading is None or subject.live is None:
        why = subject.request.observed.problems[:1]
        return f"the present value of {subject.key} cannot be seen{_because(why)}"
    if reading.quality is Quality.GOOD:
        return None
    return f"the present value of {subject.key} is of {reading.quality} quality ({reading.status})"


@invariant("live-age", SETPOINT)
def live_age(subject: Subject) -> str | None:
    """The present value is recent."""
    reading = subject.request.observed.live
    if reading is None or sound.check(subject):
        return None
    if reading.time.tzinfo is None:
        return f"the present value of {subject.key} has no certain time"
    age = subject.request.at - reading.time
    if abs(age) <= subject.live_age:
        return None
    most = _seconds(subject.live_age)
    return f"the present value of {subject.key} is {_seconds(age)} old; at most {most} are allowed"


@invariant("neighbours-seen", SETPOINT)
def neighbours_seen(subject: Subject) -> str | None:
    """The signals a setpoint watches are read in good quality."""
    watched = subject.request.observed.watched
    names = [watch.signal for watch in subject.setpoint.watch] if subject.setpoint else []
    unseen = [name for name in names if not _good(watched.get(name))]
    return f"{', '.join(unseen)} of {subject.key} cannot be seen" if unseen else None


@invariant("lock-out", MACHINE)
def lock_out(subject: Subject) -> str | None:
    """The machine's lock-out is seen, and off."""
    asset = subject.request.change.target.asset
    if subject.asset is not None and subject.asset.lockout_node is None:
        return f"{asset} has no lock-out switch in the plant model, so it is never written"
    reading = subject.request.observed.lockout
    if reading is None or not _good(reading) or not isinstance(reading.value, bool):
        return f"whether {asset} is locked out cannot be seen"
    return f"{asset} is locked out: somebody works on it" if reading.value else None


@invariant("state-seen", MACHINE)
def state_seen(subject: Subject) -> str | None:
    """The machine's state is seen."""
    reading = subject.request.observed.state
    if reading is not None and _good(reading) and str(reading.value).strip():
        return None
    return f"the state of {subject.request.change.target.asset} cannot be seen"


@invariant("alarms-seen", PLANT)
def alarms_seen(subject: Subject) -> str | None:
    """The machine's alarms are seen."""
    if subject.request.observed.alarms is not None:
        return None
    return f"the alarms of {subject.request.change.target.asset} cannot be seen"


@invariant("standing", ("acknowledge_alarm",))
def standing(subject: Subject) -> str | None:
    """An alarm is acknowledged while it waits for it."""
    alarms = subject.request.observed.alarms
    if alarms is None:
        return None
    waiting = (a.definition.id == subject.key and not a.acknowledged for a in alarms)
    return None if any(waiting) else f"{subject.key} does not wait for an acknowledgement"


def _good(reading: Reading | None) -> bool:
    return reading is not None and reading.quality is Quality.GOOD and reading.value is not None


def _because(why: tuple[str, ...]) -> str:
    return f": {why[0]}" if why else ""


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.10g} s"
