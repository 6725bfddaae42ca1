"""Units that wear out: two settings in three regimes, five sensors, of which one never moves."""

import numpy as np

from copilot_tools.models.remaining_life.run import Run

POINTS = np.array([[0.0, 100.0], [20.0, 60.0], [42.0, 80.0]])
LEVELS = np.array([[500.0, 30.0, 5.0, 1.0, 9.0]]) * np.array([[1.0], [0.8], [0.6]])
GAINS = np.array([4.0, -0.3, 0.0, 0.02, 0.0])
NOISES = np.array([1.5, 0.1, 0.05, 0.01, 0.0])


def life(number: int, cycles: int | None = None, *, failed: bool = True) -> Run:
    """A life that ends by wear; the same number gives the same life."""
    random = np.random.default_rng(number)
    cycles = cycles or int(random.integers(120, 200))
    wear = 3 * np.exp(-np.arange(cycles - 1, -1, -1) / 35)
    regime = random.integers(0, 3, cycles)
    settings = POINTS[regime] + random.normal(0, 0.01, (cycles, 2))
    noise = random.normal(0, 1, (cycles, 5)) * NOISES
    return Run(str(number), settings, LEVELS[regime] + wear[:, None] * GAINS + noise, failed=failed)


def fleet(count: int, first: int = 0) -> list[Run]:
    """So many lives."""
    return [life(number) for number in range(first, first + count)]
