"""The executor's clock: UTC, watched by a counter that no one can set."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from copilot_tools.errors import Unavailable

ALLOWED_S = 2.0  # what a time server may correct at once without being noticed
_REBASE_S = 60.0  # slow corrections add up to nothing when compared over a minute at most


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def elapsed_s() -> float:
    """Seconds since the machine started, also those it slept, whatever the time was set to."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Clock:
    """Server time that is not believed after a jump, until it agrees with the counter again.

    A clock that was set for good is believed after a restart of the executor; one that was set
    back before the newest audit row not even then (see `audit.log.append`).
    """

    def __init__(
        self,
        now: Callable[[], datetime] = utc_now,
        elapsed: Callable[[], float] = elapsed_s,
    ) -> None:
        self.elapsed = elapsed
        self._now = now
        self._base = (now(), elapsed())

    def read(self) -> datetime:
        """What the clock shows (UTC), believable or not."""
        return self._now()

    def now(self) -> datetime:
        """The time in UTC; raises Unavailable after a jump."""
        at, elapsed = self._now(), self.elapsed()
        base_at, base_elapsed = self._base
        passed = elapsed - base_elapsed
        jump_s = (at - base_at).total_seconds() - passed
        if abs(jump_s) > ALLOWED_S:
            raise Unavailable("the clock", f"it jumped by {jump_s:+.0f} s; nothing is carried out")
        if passed > _REBASE_S:
            self._base = (at, elapsed)
        return at


async def pause(ended: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or until something has ended."""
    with suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), seconds)
