"""What every page counts: proposals that wait for somebody, and alarms that stand."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from copilot.actor import Actor
from copilot.app import Copilot
from copilot.approvals.states import UNDECIDED
from copilot.approvals.store import Record
from copilot.approvals.waiting import waiting_for
from copilot.web.live.outbox import Outbox
from copilot.web.live.pulse import Pulse
from copilot_tools.errors import Unavailable
from copilot_tools.plant import Plant
from copilot_tools.sources.protocols import AlarmState

WAITING_EVERY_S = 1.0
STANDING_EVERY_S = 2.0


class WaitingFeed:
    """How many proposals wait for whom: the desk is asked once for all."""

    def __init__(self, copilot: Copilot) -> None:
        self._site = copilot.plant.site
        self._desk = copilot.desk
        self._pulse = Pulse(WAITING_EVERY_S, self._refresh)
        self._outboxes: dict[Outbox, tuple[Actor, int | None]] = {}

    @contextmanager
    def told_to(self, outbox: Outbox, actor: Actor) -> Iterator[None]:
        """Tell an outbox how many wait for its reader."""
        if self._desk is None:
            yield
            return
        with self._pulse.needed():
            self._outboxes[outbox] = (actor, None)
            try:
                yield
            finally:
                del self._outboxes[outbox]

    async def _refresh(self) -> None:
        if self._desk is None:
            return
        try:
            records = await asyncio.to_thread(self._desk.list, UNDECIDED)
        except (SQLAlchemyError, Unavailable):
            return  # The page of approvals says so; a counter that may be wrong must not.
        counts: dict[Actor, int] = {}
        for outbox, (actor, told) in list(self._outboxes.items()):
            if actor not in counts:
                counts[actor] = self._count(records, actor)
            if counts[actor] != told:
                self._outboxes[outbox] = (actor, counts[actor])
                outbox.tell("waiting", json.dumps({"count": counts[actor]}))

    def _count(self, records: Sequence[Record], actor: Actor) -> int:
        return waiting_for(self._site, records, actor)


class StandingFeed:
    """Which alarms stand, told whenever that changes."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._pulse = Pulse(STANDING_EVERY_S, self._refresh)
        self._outboxes: set[Outbox] = set()
        self._seen: object = ()

    @contextmanager
    def told_to(self, outbox: Outbox) -> Iterator[None]:
        """Tell an outbox when alarms come, go or are acknowledged; not of those there already."""
        with self._pulse.needed():
            self._outboxes.add(outbox)
            try:
                yield
            finally:
                self._outboxes.remove(outbox)
                if not self._outboxes:
                    self._seen = ()

    async def _refresh(self) -> None:
        try:
            standing = await self._plant.alarms.standing()
        except Unavailable:
            seen: object = None
            told: dict[str, bool | int | None] = {
                "known": False,
                "standing": None,
                "unacknowledged": None,
            }
        else:
            seen = _what_stands(standing)
            open_ones = sum(not alarm.acknowledged for alarm in standing)
            told = {"known": True, "standing": len(standing), "unacknowledged": open_ones}
        before, self._seen = self._seen, seen
        if before not in ((), seen):
            for outbox in self._outboxes:
                outbox.tell("alarms", json.dumps(told))


def _what_stands(standing: Sequence[AlarmState]) -> object:
    return frozenset(
        (alarm.definition.id, alarm.active, alarm.acknowledged, alarm.since) for alarm in standing
    )
