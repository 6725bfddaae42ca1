"""What of the plant was shown to whom: nobody approves a change without having seen its plant."""

from collections import OrderedDict
from datetime import datetime, timedelta

from copilot_tools.errors import Retry
from copilot_tools.plant_state import Observation

LASTS = timedelta(seconds=60)  # a page that is open looks every two seconds
MOST = 2000


class Looks:
    """The last look of each session at each proposal; after a restart one has to look again."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, int], Observation] = OrderedDict()

    def remember(self, session: str, number: int, observed: Observation) -> None:
        """This is what a session is shown now."""
        self._seen[session, number] = observed
        self._seen.move_to_end((session, number))
        while len(self._seen) > MOST:
            self._seen.popitem(last=False)

    def last(self, session: str, number: int, at: datetime) -> Observation:
        """What a session was shown last; raises Retry when that was nothing, or too long ago."""
        observed = self._seen.get((session, number))
        if observed is None or at - observed.at > LASTS:
            raise Retry("the plant as it is now was not shown to you; wait for its live values")
        return observed
