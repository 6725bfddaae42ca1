"""Looks at the plant until a change shows, or does not: two readings in a row must agree."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from copilot.executor.outcome import Effect, Seen
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quality
from copilot_tools.sources.protocols import Reading

Look = Callable[[], Awaitable[Reading]]
Judge = Callable[[Reading], Effect]


async def watch(
    look: Look, judge: Judge, unit: str = "", *, delay_s: float, pause_s: float, looks: int
) -> Seen:
    """The effect that shows from `delay_s` on, in up to `looks` readings, `pause_s` apart.

    Two readings in a row that show it are enough for `applied`; `not_applied` must hold to the end.
    Anything in between, and whatever cannot be read, is unclear.
    """
    await asyncio.sleep(delay_s)
    seen = [await _look_once(look, judge, unit)]
    while len(seen) < looks:
        await asyncio.sleep(pause_s)
        seen.append(await _look_once(look, judge, unit))
        if seen[-2].effect == seen[-1].effect == "applied":
            return seen[-1]
    if all(one.effect == "not_applied" for one in seen):
        return seen[-1]
    if seen[-1].effect == "unclear":
        return seen[-1]
    return replace(seen[-1], effect="unclear", status="the value does not hold still")


async def _look_once(look: Look, judge: Judge, unit: str) -> Seen:
    try:
        reading = await look()
    except Unavailable as error:
        return Seen("unclear", None, unit, Quality.BAD, None, str(error))
    effect = judge(reading)
    return Seen(effect, reading.value, unit, reading.quality, reading.time, reading.status)
