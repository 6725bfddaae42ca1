"""How many cycles a unit has left, with a calibrated interval and what drives it.

Fitted on runs to failure: sensors in scatters of their operating regime, few channels that tell
wear from noise, causal summaries of both, and a blend of networks and boosted trees. It refuses
where it has not learnt: short histories, unseen regimes, features far from all of training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from copilot_tools.errors import Failed
from copilot_tools.models.remaining_life.ensemble import FULL, Effort, Ensemble
from copilot_tools.models.remaining_life.envelope import Envelope
from copilot_tools.models.remaining_life.features import Features
from copilot_tools.models.remaining_life.intervals import LEVELS, Intervals
from copilot_tools.models.remaining_life.run import (
    Driver,
    Estimate,
    Kind,
    Refusal,
    Run,
    refused,
)
from copilot_tools.models.remaining_life.summaries import BEGIN
from copilot_tools.models.remaining_life.training import (
    FOLDS,
    QUICK,
    QUICK_SCALE,
    Courses,
    check,
    kinds_for,
    known_left,
    out_of_fold,
    train,
)
from copilot_tools.timeseries import Floats

TRUSTED: tuple[str, ...] = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""What skops has to be told to trust in a state."""
LEAST_CYCLES = 10
_NEAR_CAP = 0.5


@dataclass(frozen=True, slots=True)
class RemainingLife:
    """A fitted model; an `aged` ensemble only where enough runs told their begin."""

    cap: float
    settings: int
    """How many settings a run needs."""
    sensors: int
    features: Features
    envelope: Envelope
    ensembles: dict[Kind, Ensemble]
    intervals: dict[Kind, Intervals]

    @classmethod
    def fit(
        cls,
        runs: Sequence[Run],
        *,
        cap: float = 125.0,
        seed: int = 0,
        progress: Callable[[float], None] | None = None,
        effort: Effort = FULL,
        courses: Courses | None = None,
    ) -> "RemainingLife":
        """Learn from whole lives; no estimate will exceed `cap` cycles, `progress` is told 0 to 1.

        `courses` are what `out_of_fold` gave with little effort, where that was done already.
        Raises Failed where there are fewer than five runs to failure, or runs differ in columns.
        """
        check(runs)
        quick = min(effort, QUICK, key=lambda one: one.trees)
        kinds = kinds_for(runs)
        folds = 0 if courses else FOLDS
        step = _teller(len(kinds) * (effort.steps + folds * quick.steps), progress)
        trained = train(runs, cap=cap, seed=seed, kinds=kinds, effort=effort, progress=step)
        courses = courses or out_of_fold(runs, cap=cap, seed=seed, effort=quick, progress=step)
        actual = [known_left(run, cap) for run in runs]
        scale = QUICK_SCALE if quick is QUICK else 1.0
        return cls(
            cap=cap,
            settings=runs[0].settings.shape[1],
            sensors=runs[0].sensors.shape[1],
            features=trained.features,
            envelope=Envelope.of(trained.rows),
            ensembles=dict(trained.ensembles),
            intervals={
                kind: Intervals.fit(those, actual, cap, scale) for kind, those in courses.items()
            },
        )

    def predict(self, run: Run) -> Estimate:
        """What is left after the last row of `run`. Raises Failed where its columns are others."""
        self._check(run)
        if len(run) < LEAST_CYCLES:
            return refused("too short")
        sensors = self.features.regimes.normalise(run)
        features = self.features.of_sensors(sensors)[-1:]
        if why := self._refusal(run, sensors, features):
            return refused(why)
        kind = self._kind(run)
        predicted = float(self.ensembles[kind].predict(features)[0])
        quantiles = self.intervals[kind].around(predicted)
        low, high = (float(end[0]) for end in self.intervals[kind].band(np.array([predicted])))
        return Estimate(
            median=predicted,
            low=low,
            high=high,
            capped=high >= self.cap - _NEAR_CAP,
            levels=LEVELS,
            quantiles=quantiles,
        )

    def course(self, run: Run) -> Floats:
        """The cycles left after each row as seen then, also where `predict` would refuse."""
        self._check(run)
        return self.ensembles[self._kind(run)].predict(self.features.of(run))

    def explain(self, run: Run) -> tuple[Driver, ...]:
        """What the course of each sensor does to the estimate, largest first.

        That is the estimate less the one had the sensor stayed as it began; sensors that the
        model does not use are left out.
        """
        self._check(run)
        sensors = self.features.regimes.normalise(run)
        begin = sensors[:BEGIN].mean(axis=0)
        rows = [self.features.of_sensors(sensors)[-1]]
        for column in range(sensors.shape[1]):
            steady = sensors.copy()
            steady[BEGIN:, column] = begin[column]
            rows.append(self.features.of_sensors(steady)[-1])
        actual, *without = self.ensembles[self._kind(run)].predict(np.array(rows)).tolist()
        used = self.features.regimes.used.tolist()
        drivers = [
            Driver(sensor, actual - left) for sensor, left in zip(used, without, strict=True)
        ]
        return tuple(sorted(drivers, key=lambda driver: -abs(driver.cycles)))

    def to_state(self) -> dict[str, Any]:
        """Dicts, arrays and scikit-learn estimators: what skops can store."""
        return {
            "cap": self.cap,
            "settings": self.settings,
            "sensors": self.sensors,
            "features": self.features.to_state(),
            "envelope": self.envelope.to_state(),
            "ensembles": {kind: one.to_state() for kind, one in self.ensembles.items()},
            "intervals": {kind: one.to_state() for kind, one in self.intervals.items()},
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "RemainingLife":
        """What `to_state` gave."""
        return cls(
            cap=state["cap"],
            settings=state["settings"],
            sensors=state["sensors"],
            features=Features.from_state(state["features"]),
            envelope=Envelope.from_state(state["envelope"]),
            ensembles={k: Ensemble.from_state(one) for k, one in state["ensembles"].items()},
            intervals={k: Intervals.from_state(one) for k, one in state["intervals"].items()},
        )

    def _kind(self, run: Run) -> Kind:
        return run.kind if run.kind in self.ensembles else "ageless"

    def _check(self, run: Run) -> None:
        given = (run.settings.shape[1], run.sensors.shape[1])
        if given != (self.settings, self.sensors):
            raise Failed(
                f"run of {run.unit} has {given[0]} settings and {given[1]} sensors; "
                f"the model was fitted on {self.settings} and {self.sensors}"
            )

    def _refusal(self, run: Run, sensors: Floats, features: Floats) -> Refusal | None:
        if self.features.regimes.unseen(run):
            return "unseen regime"
        if self.features.regimes.silent(run):
            return "outside training"
        columns = features[0] if self._kind(run) == "aged" else features[0, :-1]
        return None if self.envelope.holds(columns, sensors) else "outside training"


def _teller(steps: int, progress: Callable[[float], None] | None) -> Callable[[], None]:
    """What to call after each of so many steps of work."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(min(done / steps, 1.0))

    return step
