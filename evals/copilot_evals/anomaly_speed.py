"""What scoring a fleet costs: milliseconds a tick of 1,000 machines, share of a core at 1 Hz."""

import time

import numpy as np

from copilot_tools.models.abnormality.baseline import Baseline
from copilot_tools.models.abnormality.fleet import FleetScorer

MACHINES, SIGNALS = 1000, 8
TICKS = 300
SECOND = 10_000  # signals a second


def measure_speed() -> dict[str, float]:
    """Ticks of synthetic machines, each with a baseline of its own; no signal is ever missing."""
    random = np.random.default_rng(0)
    learnt = [Baseline.fit(random.normal(size=(400, SIGNALS))) for _ in range(20)]
    ticks = [random.normal(size=(MACHINES, SIGNALS)) for _ in range(50)]
    fleet = FleetScorer([[learnt[machine % 20]] for machine in range(MACHINES)])
    walls: list[float] = []
    begun = 0.0
    for place in range(TICKS + 50):
        if place == 50:
            walls, begun = [], time.process_time()
        start = time.perf_counter()
        fleet.tick(ticks[place % 50], float(place))
        walls.append(time.perf_counter() - start)
    processor = (time.process_time() - begun) / TICKS
    share = processor * SECOND / (MACHINES * SIGNALS)
    return {
        "tick_ms": round(1000 * float(np.median(walls)), 3),
        "tick_p95_ms": round(1000 * float(np.quantile(walls, 0.95)), 3),
        "core_share_10k": round(share, 5),
    }
