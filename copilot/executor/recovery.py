"""After a crash, or in another's place: finds out what became of changes that were being made.

They are read back, never sent again.
"""

import asyncio
import logging

from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot.audit.log import Entry, append
from copilot.db import reading, writing
from copilot.executor import result
from copilot.executor.intact import find_intact
from copilot.executor.lease import NAME
from copilot.executor.outcome import Seen
from copilot.executor.stages import judge_found, shown, write_seen
from copilot.executor.workplace import Workplace

_log = logging.getLogger(__name__)


async def recover(work: Workplace) -> list[Record]:
    """End every change in `executing`: an earlier executor left it, or a lost answer did."""
    left = await asyncio.to_thread(_left_behind, work)
    return [await _find_out(work, record) for record in left]


def _left_behind(work: Workplace) -> list[Record]:
    with reading(work.engine) as connection:
        work.tenure.check(connection)
        return find_intact(connection, State.EXECUTING)[0]


async def _find_out(work: Workplace, record: Record) -> Record:
    """Its effect shows, or fails to show for as long as is watched; anything else is unknown."""
    _log.warning("#%d was left in execution; it is read back, not sent again", record.number)
    until = work.clock.elapsed() + work.observe_s
    seen: list[Seen] = []
    while not seen or (seen[-1].effect != "applied" and work.clock.elapsed() < until):
        if seen:
            await asyncio.sleep(min(result.RETRY_S, work.observe_s / 5))
        seen.append(await result.read_back(work, record))
    await asyncio.to_thread(_note, work, record, seen[-1])
    outcome = result.Result(None, None, (shown(seen[-1]),), seen[-1])
    return await result.finish(work, record, judge_found(seen), outcome)


def _note(work: Workplace, record: Record, seen: Seen) -> None:
    with writing(work.engine) as connection:
        work.tenure.check(connection)
        entry = Entry("executor.recovered", NAME, record.proposal.id, write_seen(seen))
        append(connection, entry, work.clock.read())
