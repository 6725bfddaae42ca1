"""The alarm system of the demo plant after ISA-18.2: limit, deadband, delay, acknowledgement.

Alarms of a machine that stands are suppressed by design: only what runs, and has run for a minute,
can leave its limits. A tank has no such state, and a trip is an alarm of its own.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copilot.demo.alarm_rules import Rule, build_rules
from copilot.demo.instruments import Values
from copilot_tools.records import AlarmEvent, AlarmTransition
from copilot_tools.site.model import Site

STATES = ("running", "idle", "stopped", "fault")
RUNNING, FAULT = 0, 3
SETTLED_S = 60.0
CALM_S = 90.0  # an alarm clears when all has been well for so long
# Minutes until somebody acknowledges, by severity (site handbook, 5.1).
ATTENTION = {
    "critical": (0.3, 1.0),
    "high": (0.5, 5.0),
    "medium": (1.0, 15.0),
    "low": (10.0, 240.0),
}


@dataclass(frozen=True, slots=True)
class Scan:
    """A run of samples `dt` s apart: seconds since 1970, measured values (NaN = bad), states.

    `targets` are the deviations of signals with a moving target, in tolerances.
    """

    seconds: NDArray[np.float64]
    values: Values
    targets: Values
    states: NDArray[np.int8]
    dt: float


@dataclass(slots=True)
class Standing:
    """The state of one alarm; times in seconds since 1970, 0 = never."""

    active: bool = False
    acknowledged: bool = True
    since: float = 0.0
    changed: float = 0.0
    pending: float = 0.0
    attended: float = 0.0


class AlarmBook:
    """All alarms of the site with their states."""

    def __init__(self, site: Site, seed: int, targets: tuple[str, ...]) -> None:
        self._seed = seed
        self.rules = build_rules(site, targets)
        self.standing = {rule.definition.id: Standing() for rule in self.rules}
        self._settled = np.zeros(len(site.assets))

    def scan(self, scan: Scan) -> list[AlarmEvent]:
        """The alarm events of a run of samples, oldest first."""
        settled = self._settle(scan.states == RUNNING, scan.dt)
        events: list[AlarmEvent] = []
        for rule in self.rules:
            standing = self.standing[rule.definition.id]
            beyond, back = _compare(rule, scan, settled[:, rule.place] | rule.always)
            if standing.active or standing.pending > 0.0 or beyond.any():
                events += self._walk(rule, standing, scan, beyond, back)
        return sorted(events, key=lambda event: event.time)

    def acknowledge(self, alarm: str, seconds: float) -> AlarmEvent | None:
        """Mark an alarm as seen; None when there is nothing to acknowledge."""
        standing = self.standing[alarm]
        if standing.acknowledged:
            return None
        standing.acknowledged = True
        standing.attended = 0.0
        standing.changed = seconds
        rule = next(rule for rule in self.rules if rule.definition.id == alarm)
        return _event(rule, AlarmTransition.ACKNOWLEDGED, seconds, None)

    def attend(self, until: float) -> list[AlarmEvent]:
        """What the operators of the past acknowledged up to a moment (seconds since 1970)."""
        due = [
            (standing.attended, alarm)
            for alarm, standing in self.standing.items()
            if 0.0 < standing.attended <= until
        ]
        events = (self.acknowledge(alarm, moment) for moment, alarm in sorted(due))
        return [event for event in events if event]

    def snapshot(self) -> dict[str, Any]:
        """The states as plain data."""
        states = {alarm: asdict(standing) for alarm, standing in self.standing.items()}
        return {"standing": states, "settled": self._settled.tolist()}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take over stored states."""
        for alarm, state in stored["standing"].items():
            self.standing[alarm] = Standing(**state)
        self._settled = np.array(stored["settled"])

    def _settle(self, running: NDArray[np.bool_], dt: float) -> NDArray[np.bool_]:
        """Which machines have been running for long enough, sample by sample."""
        count = np.arange(1, len(running) + 1)[:, None]
        stood = np.maximum.accumulate(np.where(running, 0, count), axis=0)
        ran = (count - stood) * dt + np.where(stood == 0, self._settled, 0.0)
        ran = np.where(running, ran, 0.0)
        self._settled = ran[-1]
        return np.asarray(ran > SETTLED_S)

    def _walk(
        self,
        rule: Rule,
        standing: Standing,
        scan: Scan,
        beyond: NDArray[np.bool_],
        back: NDArray[np.bool_],
    ) -> Iterator[AlarmEvent]:
        for index, moment in enumerate(scan.seconds.tolist()):
            transition = _advance(rule, standing, bool(beyond[index]), bool(back[index]), scan.dt)
            if transition is None:
                continue
            standing.changed = moment
            if transition is AlarmTransition.RAISED:
                standing.since = moment
                standing.attended = moment + self._attention(rule, moment)
            value = float(scan.values[index, rule.column]) if rule.column >= 0 else None
            yield _event(rule, transition, moment, value)

    def _attention(self, rule: Rule, moment: float) -> int:
        random = Random(f"attention {self._seed} {rule.definition.id} {moment:.0f}")
        return round(60.0 * random.uniform(*ATTENTION[rule.definition.severity]))


def _compare(
    rule: Rule, scan: Scan, here: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the rule is broken, and where it is kept again with the deadband to spare."""
    if rule.direction == "trip":
        tripped = scan.states[:, rule.place] == FAULT
        return tripped, ~tripped
    watched = scan.targets[:, rule.target] if rule.target >= 0 else scan.values[:, rule.column]
    over = (watched - rule.limit) * (1.0 if rule.direction == "high" else -1.0)
    return (over > 0.0) & here, (over < -rule.deadband) | ~here


def _advance(
    rule: Rule, standing: Standing, beyond: bool, back: bool, dt: float
) -> AlarmTransition | None:
    if standing.active:
        standing.pending = standing.pending + dt if back else 0.0
        if standing.pending < CALM_S:
            return None
        standing.active = False
        standing.pending = 0.0
        return AlarmTransition.CLEARED
    standing.pending = standing.pending + dt if beyond else 0.0
    if not beyond or standing.pending < rule.delay:
        return None
    standing.active = True
    standing.pending = 0.0
    standing.acknowledged = False
    return AlarmTransition.RAISED


def _event(
    rule: Rule, transition: AlarmTransition, seconds: float, value: float | None
) -> AlarmEvent:
    alarm = rule.definition
    return AlarmEvent(
        alarm=alarm.id,
        asset=alarm.asset,
        message=alarm.message,
        severity=alarm.severity,
        transition=transition,
        time=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds),
        value=value,
        unit=rule.unit if value is not None else "",
    )
