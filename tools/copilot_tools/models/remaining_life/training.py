"""Fitting on many runs: which rows are learnt from, and what runs say that were left out.

There are two ensembles: one that may use the age, one for units whose begin nobody saw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from copilot_tools.errors import Failed
from copilot_tools.models.remaining_life.ensemble import FULL, THREADS, Effort, Ensemble
from copilot_tools.models.remaining_life.features import Features
from copilot_tools.models.remaining_life.run import Kind, Run
from copilot_tools.timeseries import Flags, Floats

Courses: TypeAlias = Mapping[Kind, Sequence[Floats]]
"""By kind of ensemble, the cycles left after each row of each run as seen then."""

LEAST_RUNS = 5
FOLDS = 5
QUICK = Effort(networks=1, trees=80, rate=0.14, rows=8_000)
"""Enough for the errors that intervals are made of."""
QUICK_SCALE = 0.95
"""Errors of a full fit against those of a quick one, as measured on C-MAPSS training units."""
_FAR = 45.0
_THIN = 3


@dataclass(frozen=True, slots=True)
class Trained:
    """Fitted features, the ensembles on them, and the rows that these were learnt from."""

    features: Features
    ensembles: Mapping[Kind, Ensemble]
    rows: Floats


def check(runs: Sequence[Run]) -> None:
    """Raise Failed where the runs cannot be learnt from."""
    failed = sum(run.failed for run in runs)
    if failed < LEAST_RUNS:
        raise Failed(
            f"remaining life is learnt from at least {LEAST_RUNS} runs to failure; given {failed}"
        )
    shapes = {(run.settings.shape[1], run.sensors.shape[1]) for run in runs}
    if len(shapes) > 1:
        raise Failed("all runs need the same settings and sensors; given " + str(sorted(shapes)))


def known_left(run: Run, cap: float) -> Floats:
    """Cycles left after each row; NaN where a unit still alive tells too little.

    What lived on for `cap` cycles had at least that much left, whenever it failed.
    """
    left = run.remaining()
    return left if run.failed else np.where(left >= cap, left, np.nan)


def train(
    runs: Sequence[Run],
    *,
    cap: float,
    seed: int,
    kinds: Sequence[Kind],
    effort: Effort = FULL,
    progress: Callable[[], None] = lambda: None,
) -> Trained:
    """Fit features, and an ensemble of each of `kinds`."""
    with THREADS.limit(limits=1):
        features = Features.fit(runs, cap, seed)
        given, target, aged = _rows(runs, features, cap)
        ensembles = {}
        for kind in kinds:
            rows = aged | (kind == "ageless")
            ensembles[kind] = Ensemble.fit(
                given[rows],
                target[rows],
                few=features.of_channels,
                age=kind == "aged",
                cap=cap,
                seed=seed,
                effort=effort,
                progress=progress,
            )
    return Trained(features, ensembles, given)


def out_of_fold(
    runs: Sequence[Run],
    *,
    cap: float,
    seed: int,
    effort: Effort = FULL,
    progress: Callable[[], None] = lambda: None,
) -> Courses:
    """For each kind of ensemble, the courses of all runs, each by a fit that has not seen it."""
    kinds = kinds_for(runs)
    courses: dict[Kind, list[Floats]] = {kind: [np.empty(0)] * len(runs) for kind in kinds}
    for fold in folds(runs):
        held = set(fold)
        kept = [run for number, run in enumerate(runs) if number not in held]
        trained = train(kept, cap=cap, seed=seed, kinds=kinds, effort=effort, progress=progress)
        for number in fold:
            features = trained.features.of(runs[number])
            for kind, ensemble in trained.ensembles.items():
                courses[kind][number] = ensemble.predict(features)
    return courses


def kinds_for(runs: Sequence[Run]) -> tuple[Kind, ...]:
    """Which ensembles can be fitted."""
    known = sum(run.failed and run.age_known for run in runs)
    return ("aged", "ageless") if known >= LEAST_RUNS else ("ageless",)


def folds(runs: Sequence[Run]) -> list[list[int]]:
    """The runs by number in five parts of about as many rows, those that failed dealt out first."""
    order = sorted(range(len(runs)), key=lambda one: (runs[one].failed, len(runs[one])))
    parts: list[list[int]] = [[] for _ in range(FOLDS)]
    rows = [0] * FOLDS
    for number in reversed(order):
        least = rows.index(min(rows))
        parts[least].append(number)
        rows[least] += len(runs[number])
    return parts


def _rows(runs: Sequence[Run], features: Features, cap: float) -> tuple[Floats, Floats, Flags]:
    """Features, cycles left, and whether the age is known, of the rows to learn from.

    Rows long before the end all look alike, and only every third is used.
    """
    parts = []
    for run in runs:
        left = known_left(run, cap)
        places = np.arange(len(run))
        used = np.isfinite(left) & ((left <= cap + _FAR) | (places % _THIN == 0))
        known = np.full(used.sum(), run.age_known)
        parts.append((features.of(run)[used], left[used], known))
    given, target, aged = (np.concatenate(column) for column in zip(*parts, strict=True))
    return given, target, aged
