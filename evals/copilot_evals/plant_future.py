"""How the demo plant goes on when nobody mends it: the simulator's own answer to "how long"."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from copilot.demo.crew import Course
from copilot.demo.home import DemoHome

HORIZON = timedelta(days=25)
UNMENDED = timedelta(days=60)
STEP_S = 60.0
DAY_S = 86_400.0


def days_left(
    home: Path, fault: str, asset: str, signal: str, limit: float, *, rising: bool
) -> float | None:
    """Days until `signal` passes its limit while a fault that is there now grows on as it does.

    None when that does not happen within 25 days. Takes some seconds: the plant is simulated.
    """
    marker = json.loads((home / "marker.json").read_text(encoding="utf-8"))
    anchor = datetime.fromisoformat(marker["anchor"])
    simulation = DemoHome(home, int(marker["seed"]), anchor).simulation()
    now = simulation.now
    course = next(
        c
        for c in simulation.crew.courses
        if (c.growth.fault, c.growth.asset) == (fault, asset) and c.active
    )
    _leave_unmended(course)
    column = simulation.signals.index(f"{asset}.{signal}")
    for stretch in simulation.run(now + HORIZON, STEP_S):
        values = stretch.values[:, column]
        beyond = np.flatnonzero(values >= limit if rising else values <= limit)
        if len(beyond):
            moment = stretch.times[beyond[0]].astype("datetime64[s]").astype(np.int64)
            return float(moment - now.timestamp()) / DAY_S
    return None


def _leave_unmended(course: Course) -> None:
    """Let a fault grow on by its own curve beyond the day on which it would have been repaired."""
    growth = course.growth
    stretched = (growth.end + UNMENDED - growth.start) / (growth.end - growth.start)
    course.growth = replace(
        growth,
        end=growth.end + UNMENDED,
        peak=growth.peak * float(stretched**growth.curve),
        fails=True,
    )
