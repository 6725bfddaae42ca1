"""What no policy can lift: checked in code before the site's policy is asked."""

from collections.abc import Iterator

from copilot.policy.decision import Rule
from copilot.policy.invariants import records, seen, who, written
from copilot.policy.subject import TARGETS, Subject

INVARIANTS = (
    who.signed_in,
    who.executor_alone,
    who.agreed,
    who.sound,
    who.known_target,
    who.as_shown,
    written.finite_number,
    written.writable,
    written.safety_system,
    written.bounds,
    written.weighable,
    written.resolution,
    written.visible,
    written.largest_step,
    written.largest_rate,
    written.allowed_command,
    seen.observed_now,
    seen.live_value,
    seen.live_age,
    seen.neighbours_seen,
    seen.lock_out,
    seen.state_seen,
    seen.alarms_seen,
    seen.standing,
    records.quantity,
    records.total,
    records.work_order,
)

KNOWN_TOOL = "known-tool"


def broken(subject: Subject) -> Iterator[Rule]:
    """Every invariant that a request breaks, in the words of this request."""
    if subject.tool not in TARGETS:
        yield Rule(KNOWN_TOOL, f"policy knows no tool {subject.tool!r}")
        return
    for invariant in INVARIANTS:
        if subject.tool in invariant.tools:
            words = invariant.check(subject)
            if words is not None:
                yield Rule(invariant.id, words)
