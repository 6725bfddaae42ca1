"""The executor as a process: takes the lease, finds out what was left, and takes what is ready.

Whatever goes wrong, it writes nothing, says so in one line and tries again; it ends when told to.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from copilot.approvals.states import State
from copilot.approvals.store import Conflict, Record
from copilot.approvals.switches import stopped
from copilot.audit.log import Entry, append
from copilot.db import reading, writing
from copilot.executor import result
from copilot.executor.carry_out import NotNow, carry_out
from copilot.executor.clock import Clock, pause
from copilot.executor.intact import DAMAGE, find_intact
from copilot.executor.lease import NAME, StaleLease
from copilot.executor.recovery import recover
from copilot.executor.restore import in_doubt
from copilot.executor.settings import ExecutorSettings
from copilot.executor.watermark import Restored
from copilot.executor.workplace import Workplace, open_workplace
from copilot.policy.record import record_policy
from copilot_tools.errors import Failed, Unavailable

_log = logging.getLogger(__name__)


def _say(text: str) -> None:
    print(text, flush=True)


async def run(
    settings: ExecutorSettings,
    stop: asyncio.Event,
    clock: Clock | None = None,
    announce: Callable[[str], None] = _say,
) -> None:
    """Work until `stop` is set; a change in flight is finished, read-back included.

    `announce` is told "ready" each time the executor is up. Raises PolicyError and the errors of
    the plant model; outages of databases, disks and plant are waited for.
    """
    clock = clock or Clock()
    told = ""

    def be_up(text: str) -> None:
        nonlocal told
        told = ""
        announce(text)

    while not stop.is_set():
        try:
            await _work(settings, stop, clock, be_up)
        except (Unavailable, StaleLease, Restored, OSError) as error:
            # A change that was claimed is found, and read back, by the next turn.
            if str(error) != told:
                _log.error("%s", error)
            told = str(error)
        await pause(stop, settings.poll_s)


async def _work(
    settings: ExecutorSettings,
    stop: asyncio.Event,
    clock: Clock,
    announce: Callable[[str], None],
) -> None:
    work = await asyncio.to_thread(open_workplace, settings, clock)
    executor = Executor(work, settings)
    try:
        if await executor.begin(stop):
            announce("ready")
            await executor.work(stop)
    finally:
        await executor.end()


class Executor:
    """One executor in office."""

    def __init__(self, work: Workplace, settings: ExecutorSettings) -> None:
        self._work = work
        self._poll_s = settings.poll_s
        self._renew_s = settings.lease_s / 3
        self._ended = asyncio.Event()
        self._beside: set[asyncio.Task[None]] = set()
        self._waiting: dict[int, str] = {}

    async def begin(self, stop: asyncio.Event) -> bool:
        """Take the lease when it is free and find out what was left; False when told to stop.

        Raises Restored with what is in doubt in the log, Unavailable when the audit log is damaged.
        """
        try:
            while not await asyncio.to_thread(self._work.tenure.begin):
                await pause(stop, self._poll_s)
                if stop.is_set():
                    return False
        except Restored:
            await asyncio.to_thread(self._show_in_doubt)
            raise
        self._do_beside(self._keep_lease())
        await asyncio.to_thread(self._start)
        await self._recover()
        return True

    async def work(self, stop: asyncio.Event) -> None:
        """Carry out what is ready, one at a time, until told to stop."""
        while not stop.is_set():
            # A claim whose answer was lost may be on record: then it is read back, not sent.
            await self._recover()
            for record in await asyncio.to_thread(self._take):
                if stop.is_set():
                    break
                await self._try(record)
            await asyncio.to_thread(self._work.signer.tick)
            await pause(stop, self._poll_s)

    async def end(self) -> None:
        """Stop watching, give the lease back and release every connection."""
        self._ended.set()
        await asyncio.gather(*self._beside, return_exceptions=True)
        with suppress(Unavailable, StaleLease):
            await asyncio.to_thread(self._work.tenure.end)
        await self._work.close()

    def _start(self) -> None:
        """Verify the end of the audit log, then put on record who starts under which policy."""
        work = self._work
        work.signer.sign()
        if not work.signer.healthy():
            raise Unavailable("the audit log", work.signer.problem or "it is damaged")
        record_policy(work.engine, work.policy, NAME, work.clock.now())
        policy = {"policy": work.policy.hash, "schema": work.policy.schema_hash}
        data = {"token": work.tenure.token, "engine": work.policy.engine, **policy}
        with writing(work.engine) as connection:
            work.tenure.check(connection)
            append(connection, Entry("executor.started", NAME, "", data), work.clock.now())

    async def _recover(self) -> None:
        for record in await recover(self._work):
            self._tell(record)

    def _take(self) -> list[Record]:
        """What is ready now; nothing while changes are stopped. What is damaged waits.

        Raises Unavailable also for a clock that cannot be relied on.
        """
        work = self._work
        work.tenure.look()
        work.clock.now()
        damaged = self._expire_due()
        with reading(work.engine) as connection:
            switch = stopped(connection)
            ready, unread = find_intact(connection, State.READY)
            damaged |= unread | find_intact(connection, State.EXECUTING)[1]
        for number in self._waiting.keys() - damaged.keys() - {one.number for one in ready}:
            del self._waiting[number]
        for number, why in damaged.items():
            self._wait_for(number, why)
        return [] if switch else ready

    def _expire_due(self) -> dict[int, str]:
        """End what is overdue; a damaged proposal among it is told as number 0."""
        try:
            self._work.desk.expire_due()
        except DAMAGE as error:
            return {0: f"what is overdue cannot be ended: {error}"}
        return {}

    async def _try(self, record: Record) -> None:
        try:
            record = await carry_out(self._work, record)
        except (Unavailable, Failed, NotNow) as error:
            self._wait_for(record.number, str(error))
        except Conflict:
            _log.info("#%d is not ready any more", record.number)
        else:
            self._tell(record)
            if record.state is State.UNKNOWN:
                self._do_beside(result.watch(self._work, record, self._ended))

    def _wait_for(self, number: int, why: str) -> None:
        """Say once what a change is waiting for."""
        if self._waiting.get(number) != why:
            _log.warning("#%d waits: %s", number, why)
        self._waiting[number] = why

    def _tell(self, record: Record) -> None:
        _log.info("#%d %s: %s", record.number, record.state, record.note)

    def _do_beside(self, task: Coroutine[Any, Any, None]) -> None:
        """Do this while the work goes on; the end waits for it."""
        doing = asyncio.create_task(task)
        self._beside.add(doing)
        doing.add_done_callback(self._beside.discard)

    async def _keep_lease(self) -> None:
        while not self._ended.is_set():
            await pause(self._ended, self._renew_s)
            try:
                await asyncio.to_thread(self._work.tenure.extend)
            except Unavailable as error:
                _log.warning("the lease is not renewed: %s", error)
            except StaleLease as error:
                _log.error("%s", error)
                return

    def _show_in_doubt(self) -> None:
        for record in in_doubt(self._work.engine):
            _log.warning(
                "in doubt: #%d %s (%s)", record.number, record.proposal.change.says, record.state
            )
