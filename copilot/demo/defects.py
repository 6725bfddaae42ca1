"""How likely each defect is on a bottle, from what the machines did in that minute.

A bottle counts as underfilled or overfilled beyond twice the tolerance of its product, as loosely
capped below 1.4 N.m, as crookedly labelled beyond 2 mm; single bottles scatter around the minute's
mean (weights as measured, torque by 0.16 N.m, labels by 0.55 mm). A few in ten thousand go wrong
on a healthy line.
"""

from math import erf, sqrt

from copilot.demo.chronicle import LineMinute
from copilot.demo.physics.products import PRODUCTS

TOLERANCES = 2.0
LOOSE_BELOW = 1.4
TORQUE_SPREAD = 0.16
CROOKED_BEYOND = 2.0
LABEL_SPREAD = 0.55
UNAVOIDABLE = 0.0003
CAP_LOST_WHEN_LOOSE = 0.02


def defect_chances(minute: LineMinute, product: str) -> dict[str, float]:
    """The chance (0..1) of each defect; a bottle has at most one, the first of this order."""
    limit = TOLERANCES * PRODUCTS[product].tolerance
    spread = max(minute.weight_spread, 1e-6)
    loose = _below((LOOSE_BELOW - minute.closing_torque) / TORQUE_SPREAD)
    crooked = _below((abs(minute.label_error) - CROOKED_BEYOND) / LABEL_SPREAD)
    chances = {
        "missing cap": UNAVOIDABLE / 3 + CAP_LOST_WHEN_LOOSE * loose,
        "loose cap": UNAVOIDABLE / 3 + loose,
        "underfill": UNAVOIDABLE + _below((-limit - minute.weight_error) / spread),
        "overfill": UNAVOIDABLE + _below((minute.weight_error - limit) / spread),
        "missing label": minute.label_missing,
        "crooked label": UNAVOIDABLE + crooked,
    }
    remaining = 1.0
    for defect, chance in chances.items():
        chances[defect] = remaining * min(chance, 1.0)
        remaining -= chances[defect]
    return chances


def _below(z: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))
