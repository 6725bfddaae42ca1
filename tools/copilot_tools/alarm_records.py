"""What live state and journal together say of each alarm."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from copilot_tools.errors import Unavailable
from copilot_tools.plant import Plant
from copilot_tools.records import AlarmEvent, AlarmTransition
from copilot_tools.site.model import AlarmDefinition
from copilot_tools.sources.protocols import AlarmState
from copilot_tools.windows import Period

T = TypeVar("T")

_OBSERVED = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One alarm; `raised` is when it last was (UTC), `count` how often in the period asked for.

    `acknowledged` is None when nobody has to; `known` says whether the plant model has the alarm.
    """

    id: str
    asset: str
    message: str
    severity: str
    active: bool
    acknowledged: bool | None
    raised: datetime | None
    count: int
    known: bool

    @property
    def standing(self) -> bool:
        """Active, or cleared without anyone having acknowledged it."""
        return self.active or self.acknowledged is False

    @property
    def name(self) -> str:
        """How answers call it."""
        return f"{self.id} {self.message} {self.asset}"

    @property
    def mention(self) -> str:
        """Its name as far as the plant model has it: a journal's text may be anybody's prose."""
        return self.name if self.known else self.id


async def gather_alarms(
    plant: Plant, assets: Sequence[str], period: Period
) -> tuple[list[AlarmRecord], list[str]]:
    """The alarms of `assets` that stand or were raised in the period, first raised first.

    Also what to say when one source is down; raises Unavailable when both are.
    """
    begin = min(period.start, plant.now() - _OBSERVED)
    live, events = await asyncio.gather(
        _tried(plant.alarms.standing()),
        _tried(plant.journal.events(begin, plant.now(), list(assets))),
    )
    if isinstance(live, Unavailable) and isinstance(events, Unavailable):
        raise live
    notices = []
    if isinstance(live, Unavailable):
        notices.append(f"{live}. What stands is told by the journal alone.")
    if isinstance(events, Unavailable):
        notices.append(f"{events}. Only alarms that stand now are known.")
    journal = _Journal([] if isinstance(events, Unavailable) else events)
    states = None
    if not isinstance(live, Unavailable):
        states = {s.definition.id: s for s in live if s.definition.asset in assets}
    definitions = {definition.id: definition for definition in plant.site.alarms()}
    records = (
        _record(journal, key, definitions.get(key), states, period)
        for key in dict.fromkeys([*(states or ()), *journal.by_alarm])
    )
    kept = [record for record in records if record.standing or record.count]
    return sorted(kept, key=lambda record: record.raised or plant.now()), notices


async def _tried(request: Awaitable[T]) -> T | Unavailable:
    try:
        return await request
    except Unavailable as error:
        return error


class _Journal:
    """Journal events by alarm, oldest first."""

    def __init__(self, events: Sequence[AlarmEvent]) -> None:
        self.by_alarm: dict[str, list[AlarmEvent]] = {}
        for event in events:
            self.by_alarm.setdefault(event.alarm, []).append(event)

    def last(self, alarm: str, transition: AlarmTransition) -> datetime | None:
        """When that last happened to the alarm."""
        times = [e.time for e in self.by_alarm.get(alarm, ()) if e.transition is transition]
        return times[-1] if times else None

    def raised_in(self, alarm: str, period: Period) -> int:
        """How often the alarm was raised in the period."""
        return sum(
            event.transition is AlarmTransition.RAISED and period.start <= event.time < period.end
            for event in self.by_alarm.get(alarm, ())
        )


def _record(
    journal: _Journal,
    alarm: str,
    definition: AlarmDefinition | None,
    live: dict[str, AlarmState] | None,
    period: Period,
) -> AlarmRecord:
    raised = journal.last(alarm, AlarmTransition.RAISED)
    active, acknowledged = False, None
    if live is None:
        active, acknowledged = _by_journal(journal, alarm, raised)
    elif alarm in live:
        state = live[alarm]
        active, acknowledged = state.active, state.acknowledged
        # The server's time is that of the last change, which may be the acknowledgement.
        raised = raised if raised and raised <= state.since else state.since
    described = definition or journal.by_alarm[alarm][-1]
    return AlarmRecord(
        id=alarm,
        asset=described.asset,
        message=described.message,
        severity=str(described.severity),
        active=active,
        acknowledged=acknowledged,
        raised=raised,
        count=journal.raised_in(alarm, period),
        known=definition is not None,
    )


def _by_journal(journal: _Journal, alarm: str, raised: datetime | None) -> tuple[bool, bool | None]:
    """Whether an alarm is active, and acknowledged, as far as the journal tells."""
    cleared = journal.last(alarm, AlarmTransition.CLEARED)
    if raised is None or (cleared is not None and cleared >= raised):
        return False, None
    acknowledged = journal.last(alarm, AlarmTransition.ACKNOWLEDGED)
    return True, acknowledged is not None and acknowledged >= raised
