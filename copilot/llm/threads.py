"""How many threads the model may use, chosen from the cores and what else runs on them.

Measured on two cores: a second thread makes a plan 1.3 times as fast when the machine is idle and
3 to 4 times as slow when one other program computes, because every step waits for the slower
thread. So a second one is only taken where a core stays free beside it.
"""

import os

MOST = 2


def choose_threads(cores: int, load: float) -> int:
    """Threads for `cores` logical cores with a 1-minute load average of `load`."""
    free = cores - load
    return min(MOST, max(1, int(free) - 1))


def current_threads() -> int:
    """Threads for this machine now."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else cores
    return choose_threads(cores, load)
