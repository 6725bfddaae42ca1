"""Which machines have run long enough after a start to be judged."""

from datetime import datetime, timedelta

LONGEST = timedelta(hours=1)


class Standing:
    """When each machine last stood and for how long: it warms up for as long, at most an hour."""

    def __init__(self) -> None:
        self._stood: dict[str, datetime] = {}
        self._warm: dict[str, datetime] = {}

    def warmed_up(self, asset: str, runs: bool, now: datetime) -> bool:
        """Whether a machine runs and is past its warm-up; one first seen running is."""
        if not runs:
            self._stood.setdefault(asset, now)
            return False
        since = self._stood.pop(asset, None)
        if since is not None:
            self._warm[asset] = now + min(now - since, LONGEST)
        return now >= self._warm.get(asset, now)
