"""Puts on record how a change ended, and watches one whose fate is open for what it still does."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update

from copilot import tables
from copilot.approvals import store
from copilot.approvals.states import State
from copilot.approvals.store import Conflict, Record
from copilot.audit.log import Entry, append
from copilot.crash_points import reach
from copilot.db import reading, stamp, writing
from copilot.executor.clock import pause
from copilot.executor.lease import NAME
from copilot.executor.outcome import Seen, Sent
from copilot.executor.stages import Step, Verdict, write_seen
from copilot.executor.workplace import Workplace
from copilot.proposal import write_time
from copilot_tools.errors import Denied, Failed, Unavailable
from copilot_tools.facts import Quality

RETRY_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of an execution: when it was `sent` (None: it was not, or nobody knows), what
    came of that, the stages it passed, and what was `seen` afterwards.
    """

    sent_at: datetime | None
    sent: Sent | None
    steps: Sequence[Step]
    seen: Seen | None

    def data(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        return {
            "sent_at": write_time(self.sent_at) if self.sent_at else None,
            "sent": asdict(self.sent) if self.sent else None,
            "stages": [asdict(step) for step in self.steps],
            "seen": write_seen(self.seen) if self.seen else None,
        }


async def read_back(work: Workplace, record: Record) -> Seen:
    """What the plant shows of a change; whatever keeps it from being read makes it unclear."""
    change = record.proposal.change
    try:
        return await work.actuators[change.tool].read_back(change, record.proposal.id)
    except (Denied, Unavailable) as error:
        return Seen("unclear", None, change.unit, Quality.BAD, None, str(error))


async def finish(work: Workplace, record: Record, verdict: Verdict, result: Result) -> Record:
    """Move an executing change to its end; a database that is away is waited for.

    Raises StaleLease when another executor has taken over, who reads the change back himself.
    """
    while True:
        try:
            return await asyncio.to_thread(_finish_once, work, record, verdict, result)
        except Unavailable as error:
            _log.error("#%d is %s, not on record yet: %s", record.number, verdict.state, error)
            await asyncio.sleep(RETRY_S)


def _finish_once(work: Workplace, record: Record, verdict: Verdict, result: Result) -> Record:
    try:
        return _finish(work, record, verdict, result)
    except Conflict:
        # Ours alone to move: its end was committed already, only the answer was lost.
        with reading(work.engine) as connection:
            return store.get(connection, record.proposal.id)


def _finish(work: Workplace, record: Record, verdict: Verdict, result: Result) -> Record:
    with writing(work.engine) as connection:
        work.tenure.check(connection)
        at, key = work.clock.read(), record.proposal.id
        data = result.data()
        row: dict[str, Any] = {"finished": stamp(at), "result": data}
        if result.sent_at is not None:
            row["sent"] = stamp(result.sent_at)
        where = tables.executions.c.proposal == key
        connection.execute(update(tables.executions).where(where).values(row))
        for kind, shown in (("executor.sent", data["sent"]), ("executor.read_back", data["seen"])):
            if shown is not None:
                append(connection, Entry(kind, NAME, key, shown), at)
        ended = {"token": work.tenure.token, **data}
        finished = store.move(connection, record, verdict.state, NAME, at, ended, verdict.note)
        mark = work.watermark.newest(connection)
        reach("before finished")
    work.watermark.save(mark)
    reach("finished")
    return finished


async def watch(work: Workplace, record: Record, ended: asyncio.Event) -> None:
    """Look at a change whose fate is open, for as long as set; what shows goes into the audit log.

    Its state stays unknown until a person resolves it, with this as evidence; that ends it.
    """
    until = work.clock.elapsed() + work.observe_s
    known: Seen | None = None
    while work.clock.elapsed() < until and not ended.is_set():
        if not await asyncio.to_thread(_is_open, work, record):
            return
        seen = await read_back(work, record)
        if known is None or (seen.effect, seen.value) != (known.effect, known.value):
            await _note(work, record.proposal.id, seen)
        known = seen
        await pause(ended, min(RETRY_S, work.observe_s / 5))


def _is_open(work: Workplace, record: Record) -> bool:
    try:
        with reading(work.engine) as connection:
            return store.get(connection, record.proposal.id).state is State.UNKNOWN
    except Unavailable:
        return True
    except Failed as error:
        _log.error("%s", error)
        return False


async def _note(work: Workplace, key: str, seen: Seen) -> None:
    try:
        await asyncio.to_thread(_append_seen, work, key, seen)
    except Unavailable as error:
        _log.error("what was read back of %s is not on record: %s", key, error)


def _append_seen(work: Workplace, key: str, seen: Seen) -> None:
    with writing(work.engine) as connection:
        work.tenure.check(connection)
        if store.get(connection, key).state is not State.UNKNOWN:
            return
        entry = Entry("executor.read_back", NAME, key, write_seen(seen))
        append(connection, entry, work.clock.read())
