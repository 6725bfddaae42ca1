"""What was seen of a machine and its neighbours: signals, alarms, defects, jobs and changes."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quality
from copilot_tools.failure_modes import FailureMode
from copilot_tools.plant import Plant
from copilot_tools.records import (
    AlarmEvent,
    AlarmTransition,
    OrderStatus,
    ProductionOrder,
    WorkOrder,
)
from copilot_tools.root_cause.frozen import find_frozen
from copilot_tools.root_cause.neighbours import Neighbours
from copilot_tools.shifts import CLEAR_SIGMAS, Shift, measure_shifts
from copilot_tools.site.model import Setpoint
from copilot_tools.windows import Period

JOBS = timedelta(days=400)
USUAL_ALARMS = timedelta(days=7)
USUAL_DEFECTS = timedelta(days=2)
LEAST_DEFECTS = 5
BURST = 3.0  # times the usual share of a defect
NOW = timedelta(minutes=5)
LEAST_MOVE = 0.05  # of the range a setpoint may have
WITH_THE_AIR = 1.5  # a machine gets at most that many times as much warmer as the air

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Burst:
    """A defect that cameras of a line found more often than usual; shares in % of inspected."""

    line: str
    defect: str
    count: int
    share: float
    usual: float
    time: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """Something people changed: a setpoint that its signal follows, or the product of a line.

    `signal` is the id of the signal that follows, empty for a product.
    """

    text: str
    subject: str
    name: str
    value: float | str
    unit: str
    time: datetime
    signal: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that causes are weighed against, for one period.

    `shifts` and `resting` are by signal id, `alarms` the unusual ones that were raised, first one
    first. `warmth` is how much warmer than usual the air around is, in K; 0 if it is not clearly.
    `notices` say what could not be looked at.
    """

    period: Period
    shifts: Mapping[str, Shift]
    resting: Mapping[str, datetime]
    alarms: tuple[AlarmEvent, ...]
    bursts: tuple[Burst, ...]
    jobs: tuple[WorkOrder, ...]
    changes: tuple[Change, ...]
    warmth: float
    notices: tuple[str, ...]

    def speaks(self, shift: Shift) -> bool:
        """Does a shift say anything of a fault?

        Not if the reading is frozen, if it is where people set it, if it is a temperature that has
        risen with the air around, or a level of what is used up no faster than usual.
        """
        key, rise = shift.signal.id, shift.level - shift.usual
        chosen = any(change.signal == key for change in self.changes)
        warmed = "temperature" in shift.signal.name and 0 < rise < WITH_THE_AIR * self.warmth
        return not (key in self.resting or chosen or warmed or _used_up(shift))


def _used_up(shift: Shift) -> bool:
    """Has a level only fallen as far as it does from day to day, as oil in a pot does?"""
    fallen, usual = shift.usual - shift.level, -shift.drift
    if "level" not in shift.signal.name or min(fallen, usual) <= 0:
        return False
    return abs(shift.sigmas) * (fallen - usual) / fallen < CLEAR_SIGMAS


async def observe(
    plant: Plant, near: Neighbours, modes: Sequence[FailureMode], period: Period
) -> Observed:
    """Look at everything; raises Unavailable when the history does not answer.

    What another source cannot tell is left out and said.
    """
    notices: list[str] = []
    orders = await _ask(plant.erp.production_orders(), [], "Products are not told apart", notices)
    others = [asset for asset in near.thermometers if asset.id not in near.steps]
    shifts = await measure_shifts(plant, [*near.assets, *others], orders, period)
    resting = await find_frozen(plant, near, modes, period)
    alarms = await _ask(
        _unusual_alarms(plant, list(near.steps), period), (), "Alarms are not weighed", notices
    )
    bursts = await _ask(_bursts(plant, near, modes, period), (), "Defects are not weighed", notices)
    jobs = await _ask(
        plant.erp.work_orders(list(near.steps), period.end - JOBS, period.end),
        [],
        "Past jobs are not weighed",
        notices,
    )
    moved = await _ask(
        _moved_setpoints(plant, near, shifts, period), (), "Setpoints are not compared", notices
    )
    changes = (*moved, *_new_products(near, orders, period))
    air = [shifts[s.id] for asset in near.thermometers for s in asset.signals if s.id in shifts]
    return Observed(
        period=period,
        shifts=shifts,
        resting=resting,
        alarms=alarms,
        bursts=bursts,
        jobs=tuple(jobs),
        changes=changes,
        warmth=max((s.level - s.usual for s in air if s.clear and s.sigmas > 0), default=0.0),
        notices=tuple(notices),
    )


async def _ask(answer: Awaitable[T], otherwise: T, loss: str, notices: list[str]) -> T:
    try:
        return await answer
    except Unavailable as error:
        notices.append(f"{loss}: {error}.")
        return otherwise


async def _unusual_alarms(
    plant: Plant, assets: Sequence[str], period: Period
) -> tuple[AlarmEvent, ...]:
    """The alarms raised in the period, without those that chatter on any day."""
    events = await plant.journal.events(period.start - USUAL_ALARMS, period.end, assets)
    raised = [event for event in events if event.transition is AlarmTransition.RAISED]
    before = {event.alarm for event in raised if event.time < period.start - timedelta(days=1)}
    return tuple(e for e in raised if e.time >= period.start and e.alarm not in before)


async def _bursts(
    plant: Plant, near: Neighbours, modes: Sequence[FailureMode], period: Period
) -> tuple[Burst, ...]:
    """Defects of the lines around that were found far more often than in the two days before."""
    kinds = {kind for mode in modes if mode.defects for kind in mode.kinds}
    lines = sorted({a.line for a in near.assets if a.line and a.kind in kinds})
    newest = max(period.start, period.end - max(period.length / 4, timedelta(hours=1)))
    found: list[Burst] = []
    for line in lines:
        results = await plant.inspections.results(period.start - USUAL_DEFECTS, period.end, line)
        recent = [result for result in results if result.time >= newest]
        before = [result for result in results if result.time < period.start]
        for defect in sorted({result.defect for result in recent if result.defect}):
            seen = [result for result in recent if result.defect == defect]
            share = 100 * len(seen) / len(recent)
            usual = 100 * sum(r.defect == defect for r in before) / max(len(before), 1)
            if len(seen) >= LEAST_DEFECTS and share >= BURST * usual:
                found.append(Burst(line, defect, len(seen), share, usual, seen[-1].time))
    return tuple(found)


async def _moved_setpoints(
    plant: Plant, near: Neighbours, shifts: Mapping[str, Shift], period: Period
) -> tuple[Change, ...]:
    """Signals that have moved to where their setpoint now is: somebody wanted that.

    Only told of the present, since setpoints have no history.
    """
    if plant.now() - period.end > NOW:
        return ()
    pairs = [
        (setpoint, shifts[setpoint.id])
        for asset in near.assets
        for setpoint in asset.setpoints
        if setpoint.id in shifts and shifts[setpoint.id].clear
    ]
    if not pairs:
        return ()
    readings = await plant.telemetry.read([setpoint.node for setpoint, _ in pairs])
    changes = []
    for (setpoint, shift), reading in zip(pairs, readings, strict=True):
        value = reading.value if reading.quality is Quality.GOOD else None
        if isinstance(value, int | float) and _follows(shift, setpoint, float(value)):
            changes.append(_moved(setpoint, shift, float(value), reading.time))
    return tuple(changes)


def _follows(shift: Shift, setpoint: Setpoint, target: float) -> bool:
    """Is the signal where its setpoint is, while its usual level lies clearly beside that?"""
    low, high = setpoint.bounds.low, setpoint.bounds.high
    least = LEAST_MOVE * (high - low) if low is not None and high is not None else 0.0
    off = abs(shift.usual - target)
    return off > least and abs(shift.level - target) < 0.5 * off


def _moved(setpoint: Setpoint, shift: Shift, target: float, time: datetime) -> Change:
    text = f"{setpoint.asset} {setpoint.name} follows its setpoint, which is now"
    return Change(text, setpoint.asset, setpoint.name, target, setpoint.unit, time, shift.signal.id)


def _new_products(
    near: Neighbours, orders: Iterable[ProductionOrder], period: Period
) -> list[Change]:
    """The products that lines around the machine have been changed to within the period."""
    lines = {asset.line for asset in near.assets if asset.line}
    found = []
    last: dict[str, str] = {}
    for order in sorted(orders, key=lambda order: order.start):
        made = order.status in (OrderStatus.RUNNING, OrderStatus.DONE)
        if order.line not in lines or not made or order.start >= period.end:
            continue
        before = last.get(order.line, order.product)
        if before != order.product and order.start >= period.start:
            text = f"line {order.line} was changed from {before} to"
            found.append(Change(text, order.line, "product", order.product, "", order.start))
        last[order.line] = order.product
    return found
