"""Trains a model on what was gathered, measures it on what it has not seen, stores it as a version.

The work itself (`train_lives`, `train_course`) runs wherever a Fleet runs it and gives back bytes.
"""

import getpass
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import JsonValue

from copilot.health.lives import Life, Lives
from copilot.health.machine_course import MachineCourse
from copilot_tools.errors import Failed
from copilot_tools.models.registry.kinds import kind_named
from copilot_tools.models.registry.manifest import Draft, Manifest
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.models.registry.skops_file import FILE, pack
from copilot_tools.timeseries import Floats

if TYPE_CHECKING:
    from copilot_tools.models.remaining_life import RemainingLife, Run

LEAST_LIVES = 8
LEAST_ROWS = 150
CAP = 125.0
FACTOR = 1.5
REFERENCE_ROWS = 400
ABNORMAL = "share of the back-test called abnormal"
_HELD_OUT = 0.2
_LEAST_CYCLE = 25
_SEED = 0
_PARTS = 5

Errors = Mapping[str, float]


class TooLittle(Failed):
    """There is not enough history to learn from, yet."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model as bytes; `losses` are its back-test errors, for comparison.

    Those are errors by life, or shares of the newest rows called abnormal by product.
    """

    content: bytes
    features: dict[str, JsonValue]
    metrics: dict[str, float | None]
    data_sha256: str
    conformal: tuple[tuple[float, float, float], ...] = ()
    until: datetime | None = None
    losses: Errors = field(default_factory=dict)


def train_lives(given: Lives) -> Trained:
    """A model of remaining life; raises TooLittle where there are too few lives that ended."""
    from copilot_tools.models.remaining_life import RemainingLife
    from copilot_tools.models.remaining_life.training import QUICK, out_of_fold

    if given.failed < LEAST_LIVES:
        raise TooLittle(
            f"not enough history: {given.failed} lives ended in failure, at least {LEAST_LIVES} "
            "are needed; the trend of the wear signal stays"
        )
    runs = [to_run(life) for life in given.lives]
    lengths = [len(run) for run in runs if run.failed]
    cap = float(min(CAP, np.median(lengths)))
    courses = out_of_fold(runs, cap=cap, seed=_SEED, effort=QUICK)
    model = RemainingLife.fit(runs, cap=cap, seed=_SEED, courses=courses)
    seen = courses["aged"] if "aged" in courses else courses["ageless"]
    losses = {
        life.unit: life_loss(course, cap)
        for life, course in zip(given.lives, seen, strict=True)
        if life.failed
    }
    days = given.schema.cycle_hours / 24
    rmse = float(np.sqrt(np.mean(np.square(list(losses.values())))))
    rows = np.concatenate([np.column_stack([run.settings, run.sensors]) for run in runs])
    ends = [life.end for life in given.lives if life.end is not None]
    return Trained(
        content=pack({"model": model.to_state(), "reference": _thinned(rows)}),
        features=given.schema.model_dump(mode="json"),
        metrics={
            "lives that ended in failure": float(given.failed),
            "back-test error in days": rmse * days,
            "share of the back-test inside the 80 % interval": held_share(runs, seen, cap),
            "loss": rmse * days,
        },
        data_sha256=_digest(given.lives),
        conformal=_table(model, cap, days),
        until=max(ends, default=None),
        losses={unit: loss * days for unit, loss in losses.items()},
    )


def train_course(given: MachineCourse) -> Trained:
    """A model of usual behaviour, tested on the newest fifth of the running time."""
    from copilot_tools.models.usual import UsualBehaviour

    enough = _enough(given)
    if not enough:
        most = max((len(rows) for rows in given.rows.values()), default=0)
        outside = " outside of trouble that jobs tell of" if given.left_out else ""
        raise TooLittle(
            f"not enough history: {most} running spans of ten minutes{outside}, at least "
            f"{LEAST_ROWS} of one product are needed"
        )
    held = held_out(given)
    early = {name: rows[: -len(held[name])] for name, rows in enough.items()}
    tested = UsualBehaviour.fit(early, given.operating)
    scores = {name: tested.scores(name, rows) for name, rows in held.items()}
    alarms = share_above(np.concatenate(list(scores.values())))
    model = UsualBehaviour.fit(enough, given.operating)
    rows = np.concatenate(list(enough.values()))
    return Trained(
        content=pack({"model": model.to_state(), "reference": _thinned(rows)}),
        features={
            "settings": [*given.signals[: given.operating]],
            "sensors": [*given.signals[given.operating :]],
            "products": [*sorted(enough)],
        },
        metrics={
            "running days": float(len(rows) * given.width / 86400),
            "days of known trouble left out": given.left_out,
            ABNORMAL: alarms,
            "loss": alarms,
        },
        data_sha256=sha256(rows.tobytes()).hexdigest(),
        until=given.until,
        losses={name: share_above(those) for name, those in scores.items()},
    )


def held_out(given: MachineCourse) -> Mapping[str, Floats]:
    """The newest fifth of each product's rows, which the back-test is made on."""
    return {n: rows[-max(int(len(rows) * _HELD_OUT), 1) :] for n, rows in _enough(given).items()}


def store(
    registry: Registry, key: Key, trained: Trained, now: datetime, more: Mapping[str, float]
) -> Manifest:
    """Keep what was trained as a new version, which runs along until somebody promotes it."""
    card = _CARDS[key.kind].format(scope=key.scope)
    draft = Draft(
        created=now,
        created_by=getpass.getuser(),
        data_sha256=trained.data_sha256,
        features=trained.features,
        libraries=kind_named(key.kind).libraries(),
        metrics={**trained.metrics, **more},
        conformal=trained.conformal,
        card=card,
        revision=_revision(),
        until=trained.until,
    )
    return registry.add(key, trained.content, FILE, draft)


def to_run(life: Life) -> "Run":
    """A life as a model takes it."""
    from copilot_tools.models.remaining_life import Run

    return Run(life.unit, life.settings, life.sensors, life.failed, life.age_known)


def life_loss(course: Floats, cap: float) -> float:
    """The root mean square error over a life that ended, in cycles, both sides capped."""
    left = np.minimum(np.arange(len(course) - 1, -1, -1), cap)
    used = slice(min(_LEAST_CYCLE, len(course) // 2), None)
    return float(np.sqrt(np.mean((np.minimum(course, cap)[used] - left[used]) ** 2)))


def share_above(scores: Floats) -> float:
    """The share of scores that is abnormal; those of products never learnt do not count."""
    known = scores[np.isfinite(scores)]
    return float((known >= FACTOR).mean()) if len(known) else 0.0


def held_share(runs: "list[Run]", courses: Sequence[Floats], cap: float) -> float:
    """The share of the back-test inside the 80 % interval, each life counting the same.

    The intervals used for a life are calibrated on all lives but those of its fifth.
    """
    from copilot_tools.models.remaining_life.intervals import HIGH, LEVELS, LOW, Intervals

    ended = [i for i, run in enumerate(runs) if run.failed]
    left = [run.remaining() for run in runs]
    shares = []
    for fold in (ended[start::_PARTS] for start in range(_PARTS)):
        kept = [i for i in ended if i not in fold]
        intervals = Intervals.fit([courses[i] for i in kept], [left[i] for i in kept], cap)
        for i in fold:
            truth, given = np.minimum(left[i], cap), courses[i]
            rows = range(min(_LEAST_CYCLE, len(given) // 2), len(given))
            bounds = np.array(
                [np.interp((LOW, HIGH), LEVELS, intervals.around(float(given[r]))) for r in rows]
            )
            inside = (truth[rows] >= bounds[:, 0] - 0.5) & (truth[rows] <= bounds[:, 1] + 0.5)
            shares.append(float(inside.mean()))
    return float(np.mean(shares))


def _enough(given: MachineCourse) -> dict[str, Floats]:
    return {name: rows for name, rows in given.rows.items() if len(rows) >= LEAST_ROWS}


def _table(
    model: "RemainingLife", cap: float, days: float
) -> tuple[tuple[float, float, float], ...]:
    """The interval for some predictions, in days, for people to look at."""
    from copilot_tools.models.remaining_life.intervals import HIGH, LEVELS, LOW

    intervals = next(iter(model.intervals.values()))
    rows = []
    for point in np.linspace(0, cap, 11).tolist():
        low, high = np.interp((LOW, HIGH), LEVELS, intervals.around(point)).tolist()
        rows.append((point * days, low * days, high * days))
    return tuple(rows)


def _thinned(rows: Floats) -> Floats:
    """Some of the rows, evenly spread, for later comparison."""
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), REFERENCE_ROWS)).astype(np.intp)
    return np.asarray(rows[chosen], dtype=np.float64)


def _digest(lives: tuple[Life, ...]) -> str:
    digest = sha256()
    for life in lives:
        digest.update(f"{life.unit} {life.failed} {life.age_known} {life.sensors.shape}".encode())
        digest.update(life.settings.tobytes() + life.sensors.tobytes())
    return digest.hexdigest()


def _revision() -> str | None:
    """The git revision of a checkout; None where the copilot is installed."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip() or None


_CARDS = {
    "remaining-life": (
        "Days until the end of a {scope}, with an 80 % interval. Learnt from lives cut from the "
        "history at repairs, and the limit of the wear signal. Says nothing beyond its cap, for "
        "operating points never seen, nor for machines unlike those it learnt from."
    ),
    "behaviour": (
        "How {scope} usually runs at its operating point and product. A score of 1 is the 99 % "
        "limit of usual. It tells unlike from usual, not good from bad. Learnt from, and "
        "tested on the newest fifth of, running time outside of corrective jobs and the week "
        "before each; what no job tells of is in it."
    ),
}
