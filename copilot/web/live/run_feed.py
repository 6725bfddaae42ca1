"""The steps of the runs that a tab follows, brought to its outbox one by one."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from copilot.actor import Actor
from copilot.web.live.outbox import Outbox, frame
from copilot.web.services import Services
from copilot.web.showing import show_event
from copilot_tools.errors import ToolError


def wanted_runs(named: Iterable[str], last: str) -> dict[str, int]:
    """The runs that are named, as `ID` or `ID:SEQ`, and after which event each goes on.

    `last` is the `ID:SEQ` of the last event that a browser has seen when it comes again.
    """
    wanted: dict[str, int] = {}
    for run, seq in map(_parse, named):
        wanted[run] = max(seq, wanted.get(run, 0))
    run, seq = _parse(last)
    if run in wanted:
        wanted[run] = max(seq, wanted[run])
    return wanted


def _parse(text: str) -> tuple[str, int]:
    run, colon, seq = text.rpartition(":")
    if colon and seq.isdecimal() and len(seq) < 10:
        return run, int(seq)
    return text, 0


class RunFeed:
    """The runs of one stream."""

    def __init__(
        self, services: Services, language: str, actor: Actor, wanted: Mapping[str, int]
    ) -> None:
        self._services = services
        self._language = language
        self._actor = actor
        self._wanted = wanted

    def now(self) -> datetime:
        """The plant's time."""
        return self._services.now()

    async def fill(self, outbox: Outbox) -> None:
        """Bring every event of every run; ends when all runs have ended."""
        async with asyncio.TaskGroup() as group:
            for run, after in self._wanted.items():
                group.create_task(self._follow(run, after, outbox))

    async def _follow(self, run_id: str, after: int, outbox: Outbox) -> None:
        runs = self._services.runs
        try:
            run = await runs.get(run_id)
            if run.account != self._actor.name:
                raise ToolError
        except ToolError:
            # Another's run is no more to be known of than one that never was.
            await outbox.add(frame("gone", json.dumps({"run": run_id})))
            return
        async for seq, event in runs.follow(run_id, after):
            shown = show_event(self._services, self._language, run, seq, event)
            await outbox.add(frame("run", json.dumps(shown), f"{run_id}:{seq}"))
