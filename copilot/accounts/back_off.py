"""Waiting after wrong passwords: longer each time, but never for good, or anyone could lock out
a colleague while the plant needs him.
"""

from collections.abc import Callable

FREE = 3
LONGEST_S = 30.0
REMEMBERED = 10_000


class BackOff:
    """How long a name has to wait before its next password is looked at; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[int, float]] = {}

    def wait_s(self, name: str) -> float:
        """Seconds still to wait; 0 when the next try is free."""
        count, until = self._failed.get(name, (0, 0.0))
        return max(until - self._clock(), 0.0) if count > FREE else 0.0

    def failed(self, name: str) -> None:
        """Count a wrong password: after three the wait is 1 s, then doubles up to half a minute."""
        count, _ = self._failed.pop(name, (0, 0.0))
        wait = min(2.0 ** min(count - FREE, 10), LONGEST_S)
        self._failed[name] = (count + 1, self._clock() + wait)
        while len(self._failed) > REMEMBERED:
            self._failed.pop(next(iter(self._failed)), None)

    def succeeded(self, name: str) -> None:
        """Forget the wrong passwords of a name."""
        self._failed.pop(name, None)
