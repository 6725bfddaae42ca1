"""Which machines have run long enough after a start to be judged."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

LONGEST = timedelta(hours=1)
NONE: Mapping[str, datetime] = MappingProxyType({})


class Standing:
    """When each machine last stood and for how long: it warms up for as long, at most an hour."""

    def __init__(
        self, stood: Mapping[str, datetime] = NONE, warm: Mapping[str, datetime] = NONE
    ) -> None:
        self.stood = dict(stood)
        self.warm = dict(warm)

    def warmed_up(self, asset: str, runs: bool, now: datetime) -> bool:
        """Whether a machine runs and is past its warm-up; one first seen running is."""
        if not runs:
            self.stood.setdefault(asset, now)
            return False
        since = self.stood.pop(asset, None)
        if since is not None:
            self.warm[asset] = now + min(now - since, LONGEST)
        return now >= self.warm.get(asset, now)
