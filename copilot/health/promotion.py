"""Whether a new version may come into use: if its back-test can be believed and is no worse."""

from collections.abc import Mapping

import numpy as np

from copilot.health.lives import Lives
from copilot.health.machine_course import MachineCourse
from copilot.health.training import (
    ABNORMAL,
    Trained,
    held_out,
    life_loss,
    share_above,
    to_run,
)
from copilot_tools.learnt_life import read_schema
from copilot_tools.models.registry.kinds import load
from copilot_tools.models.registry.manifest import Manifest, Unusable
from copilot_tools.models.registry.registry import Key, Registry

AGAINST = "version compared with"
OURS = "loss on newer data"
THEIRS = "its loss on newer data"
COVERAGE = "share of the back-test inside the 80 % interval"
LEAST_NEWER = 3
_TOLERANCE = 1.02
_BAND = (0.7, 0.95)
_MOST_ABNORMAL = 0.2
_ALIKE = {"behaviour": 0.02}
"""Shares that differ by so little are the same."""


def objection(registry: Registry, key: Key, version: int) -> str | None:
    """Why a version should not come into use, be it the first; None when it may."""
    new = registry.manifest(key, version)
    if why := _unbelievable(new):
        return why
    try:
        current = registry.pointer(key).current
        old = registry.manifest(key, current) if current else None
        if old is not None:
            registry.content(old)
    except Unusable:
        return None  # Anything is better than a version that cannot be used.
    if old is None or old.version == version:
        return None
    ours, theirs, where = _losses(new, old)
    slack = _ALIKE.get(key.kind, 1e-9)
    if ours is None or theirs is None or ours <= theirs * _TOLERANCE + slack:
        return None
    than = f"{ours:.3g} against {theirs:.3g} {where}"
    return f"its back-test is worse than that of v{old.version}: {than}"


def _unbelievable(new: Manifest) -> str | None:
    """What is wrong with a back-test by itself."""
    coverage = new.metrics.get(COVERAGE)
    if coverage is not None and not _BAND[0] <= coverage <= _BAND[1]:
        return (
            f"its 80 % interval held {coverage:.0%} of the back-test, not "
            f"{_BAND[0]:.0%} to {_BAND[1]:.0%}"
        )
    abnormal = new.metrics.get(ABNORMAL)
    if abnormal is not None and abnormal > _MOST_ABNORMAL:
        return (
            f"{abnormal:.0%} of the newest fifth of its running time is unlike the time before, "
            "corrective jobs and the week before each left out; look whether it breaks or was "
            "changed"
        )
    return None


def _losses(new: Manifest, old: Manifest) -> tuple[float | None, float | None, str]:
    """The losses to compare: on data that neither has seen where there are any."""
    if new.metrics.get(AGAINST) == old.version:
        return new.metrics.get(OURS), new.metrics.get(THEIRS), "on data newer than both"
    return new.metrics.get("loss"), old.metrics.get("loss"), "each on its own data"


def compare_lives(
    registry: Registry, key: Key, trained: Trained, given: Lives
) -> Mapping[str, float]:
    """Both losses (days) on lives that ended since the version in use was trained."""
    current, old = _in_use(registry, key)
    if old is None or old.until is None or current is None:
        return {}
    try:
        schema = read_schema(old)
        model = load(registry, key, current).model
    except Unusable:
        return {}
    until = old.until
    newer = [x for x in given.lives if x.failed and x.end is not None and x.end > until]
    if len(newer) < LEAST_NEWER or schema != given.schema:
        return {}
    days = schema.cycle_hours / 24
    theirs = [life_loss(model.course(to_run(life)), model.cap) * days for life in newer]
    ours = [trained.losses[life.unit] for life in newer]
    return {AGAINST: float(current), OURS: _rms(ours), THEIRS: _rms(theirs)}


def compare_courses(
    registry: Registry, key: Key, trained: Trained, given: MachineCourse
) -> Mapping[str, float]:
    """Both shares called abnormal of the rows held out, where the version in use saw none."""
    current, old = _in_use(registry, key)
    if old is None or old.until is None or current is None:
        return {}
    newer = held_out(given)
    if given.held_from(newer) < old.until.timestamp():
        return {}
    try:
        model = load(registry, key, current).model
    except Unusable:
        return {}
    if [*_names(old, "settings"), *_names(old, "sensors")] != list(given.signals):
        return {}
    both = [name for name in newer if name in _names(old, "products")]
    if not both:
        return {}
    theirs = share_above(np.concatenate([model.scores(name, newer[name]) for name in both]))
    ours = np.average([trained.losses[n] for n in both], weights=[len(newer[n]) for n in both])
    return {AGAINST: float(current), OURS: float(ours), THEIRS: theirs}


def _in_use(registry: Registry, key: Key) -> tuple[int | None, Manifest | None]:
    try:
        current = registry.pointer(key).current
        return current, registry.manifest(key, current) if current else None
    except Unusable:
        return None, None


def _names(manifest: Manifest, feature: str) -> list[str]:
    found = manifest.features.get(feature)
    return [str(name) for name in found] if isinstance(found, list) else []


def _rms(losses: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(losses))))
