"""Work on passwords and PINs, in threads of its own: a rush at the door must not hold up the pages.

Each takes a while and 64 MiB; who comes while too many wait is asked to come again.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from copilot_tools.errors import Denied

AT_ONCE = 2
WAITING = 40

P = ParamSpec("P")
T = TypeVar("T")


class Door:
    """Where proofs are checked, a few at once."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._threads = ThreadPoolExecutor(at_once, "proving")
        self._room = at_once + waiting

    async def prove(self, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the check answers, or raises; Denied at once where too many wait already."""
        if not self._room:
            raise Denied("too many people are signing in at this moment; try again")
        self._room -= 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, partial(check, *args, **kwargs))
        finally:
            self._room += 1


DOOR = Door()
