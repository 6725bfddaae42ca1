"""How each configured alarm of the site is decided: signal, side, limit, deadband, delay."""

from dataclasses import dataclass
from typing import Literal

from copilot_tools.site.model import AlarmDefinition, Asset, Severity, Signal, Site

Direction = Literal["high", "low", "trip"]
DEADBAND = 0.01  # of the instrument range
DELAY_S = {Severity.CRITICAL: 2.0, Severity.HIGH: 10.0, Severity.MEDIUM: 30.0, Severity.LOW: 60.0}
SLOW_S = {"load": 900.0, "compressor load": 900.0}  # averages that may peak for a while
TARGET_DEADBAND = 0.15  # of the tolerance


@dataclass(frozen=True, slots=True)
class Rule:
    """How one alarm is decided; `column` and `place` point into values and states.

    A deviation alarm has no limit of its own: `target` is the column of its deviation, in
    tolerances. `always` alarms count for a standing machine too.
    """

    definition: AlarmDefinition
    direction: Direction
    place: int
    column: int = -1
    target: int = -1
    limit: float = 0.0
    deadband: float = 0.0
    delay: float = 0.0
    unit: str = ""
    always: bool = False


def build_rules(site: Site, targets: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules of all alarms; `targets` are the signal ids that have a moving target."""
    columns = {signal.id: index for index, signal in enumerate(site.signals())}
    places = {asset: index for index, asset in enumerate(site.assets)}
    return tuple(
        _rule(asset, alarm, columns, places[asset.id], targets)
        for asset in site.assets.values()
        for alarm in asset.alarms
    )


def _rule(
    asset: Asset,
    alarm: AlarmDefinition,
    columns: dict[str, int],
    place: int,
    targets: tuple[str, ...],
) -> Rule:
    if not alarm.signal:
        return Rule(alarm, "trip", place, always=True)
    signal = next(signal for signal in asset.signals if signal.name == alarm.signal)
    delay = SLOW_S.get(alarm.signal, DELAY_S[alarm.severity])
    column = columns[signal.id]
    if alarm.limit is None:
        direction: Direction = "high" if "above" in alarm.message else "low"
        limit = 1.0 if direction == "high" else -1.0
        target = targets.index(signal.id)
        return Rule(
            alarm, direction, place, column, target, limit, TARGET_DEADBAND, delay, signal.unit
        )
    return Rule(
        alarm,
        "low" if alarm.limit in (signal.limits.low, signal.limits.low_low) else "high",
        place,
        column,
        limit=alarm.limit,
        deadband=DEADBAND * _span(signal),
        delay=delay,
        unit=signal.unit,
        always=asset.kind == "tank",
    )


def _span(signal: Signal) -> float:
    if signal.range is None or signal.range.low is None or signal.range.high is None:
        return 0.0
    return signal.range.high - signal.range.low
