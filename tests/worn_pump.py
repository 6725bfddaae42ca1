"""A pump whose bearing has lived eight times: each life ends in a repair, the last goes on."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from unit.telemetry_fixture import NOW, Works, build_works

from copilot import db
from copilot.health.fleet import Fleet
from copilot.health.predictions import PredictionBook
from copilot.health.workshop import Workshop
from copilot.settings import HealthSettings
from copilot_tools.models.registry.registry import Registry
from copilot_tools.records import WorkOrder, WorkOrderStatus

STEP_S = 600
GROWS_DAYS = 4.0


@dataclass(frozen=True, slots=True)
class WornPump:
    """The works of the pump K-1 and when its bearing was replaced, oldest first."""

    works: Works
    renewed: tuple[datetime, ...]
    left_days: float


def build_worn_pump(
    folder: Path, lives: int = 8, left_days: float = 3.0, seed: int = 5, now: datetime = NOW
) -> WornPump:
    """`lives` of 13 to 20 days in samples of ten minutes, and one that has `left_days` left."""
    random = np.random.default_rng(seed)
    works = build_works(folder, now)
    lengths = random.uniform(13, 20, lives + 1)
    lengths[-1] = max(float(lengths[-1]), left_days + 2)
    end = now + timedelta(days=left_days)
    begin = end - timedelta(days=float(lengths.sum()))
    left, renewed = [], []
    start = begin
    for length in lengths.tolist():
        stop = start + timedelta(days=length)
        until = min(stop, now)
        count = int((until - start).total_seconds() // STEP_S)
        passed = np.arange(count) * STEP_S / 86400
        left.append(length - passed)
        if stop <= now:
            renewed.append(stop)
        start = stop
    remaining = np.concatenate(left)
    _store(works, remaining, now, random)
    works.erp.jobs = [renewal(moment, number) for number, moment in enumerate(renewed)]
    return WornPump(works, tuple(renewed), left_days)


def _store(works: Works, left: np.ndarray, now: datetime, random: np.random.Generator) -> None:
    wear = np.exp(-left / GROWS_DAYS)
    count = len(left)
    speed = 1450 + 40 * np.sin(np.arange(count) / 60) + random.normal(0, 3, count)
    columns = {
        "speed": speed,
        "flow": 0.035 * speed + random.normal(0, 0.3, count),
        "bearing temperature": 55 + 12 * wear + random.normal(0, 0.8, count),
        "bearing vibration": 1.6 + 4.5 * wear + random.normal(0, 0.15, count),
    }
    last = np.datetime64(now.replace(tzinfo=None), "us")
    times = last - np.arange(count, 0, -1) * np.timedelta64(STEP_S, "s")
    works.history.append_arrays(times, {f"K-1.{name}": c for name, c in columns.items()})


def renewal(moment: datetime, number: int = 0, **changes: Any) -> WorkOrder:
    """A finished corrective job at the bearing of K-1."""
    values: dict[str, Any] = {
        "number": f"WO-{number}",
        "asset": "K-1",
        "title": "replace bearing",
        "kind": "corrective",
        "priority": "high",
        "status": WorkOrderStatus.DONE,
        "created": moment - timedelta(hours=2),
        "due": None,
        "finished": moment,
        "component": "bearing",
        "cause": "worn",
        "remedy": "replaced",
        "assignee": "",
        "hours": 2.0,
        "parts": ("BRG-1",),
    }
    return WorkOrder(**{**values, **changes})


def build_workshop(works: Works, folder: Path, **settings: Any) -> Workshop:
    """A workshop beside the works, whose plant knows its models and predictions."""
    engine = db.open_database(f"sqlite:///{folder / 'own.db'}")
    db.migrate(engine)
    registry, book = Registry(folder / "models"), PredictionBook(engine)
    works.plant = replace(works.plant, models=registry, predictions=book)
    health = HealthSettings(models=registry.root, **settings)
    return Workshop(works.plant, registry, book, health, Fleet())


def quiet(_step: str, _share: float) -> None:
    """Progress that nobody watches."""
