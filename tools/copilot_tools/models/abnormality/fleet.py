"""Scores all machines of a plant at once, one step of numpy a tick, each against its baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from copilot_tools.models.abnormality.baseline import CLIP, WARM_UP, Baseline
from copilot_tools.models.abnormality.episodes import Rule
from copilot_tools.models.abnormality.hearing import Hearing
from copilot_tools.models.abnormality.hysteresis import Episode, Hysteresis
from copilot_tools.models.abnormality.members import (
    member_distances,
    member_inputs,
    member_shares,
    mix,
)
from copilot_tools.models.abnormality.model_arrays import UNSEEN, ModelArrays, bridged
from copilot_tools.models.abnormality.smoothing import Means
from copilot_tools.timeseries import Flags, Floats

Regimes = NDArray[np.intp]

LONGEST_GAP = 60.0  # ticks after which everything warms up anew
_LEAST_SHARE = 0.5


class State(IntEnum):
    """Why a machine has a score at a tick, or none."""

    SCORED = 0
    WARMING_UP = 1
    NOT_ENOUGH_DATA = 2
    UNSEEN_REGIME = 3


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick tells of A machines: scores (NaN for none), why, and which episodes changed.

    `missing` and `frozen` (A x W) are the signals that were left out.
    """

    scores: Floats
    states: NDArray[np.int8]
    missing: Flags
    frozen: Flags
    changed: tuple[Episode, ...]


@dataclass(frozen=True, slots=True)
class Contribution:
    """A signal's part in a score: its usual level and the shift from it, in the signal's unit.

    `share` is its part of the whole distance.
    """

    signal: int
    usual: float
    shift: float
    share: float


class FleetScorer:
    """The running state of A machines with up to W signals, in arrays.

    Each machine comes with its baselines by regime, None for a regime too short to learn.
    """

    def __init__(
        self, machines: Sequence[Sequence[Baseline | None]], rule: Rule | None = None
    ) -> None:
        self._models = ModelArrays.of(machines)
        width, count = self._models.used.shape
        self.hysteresis = Hysteresis.of(count, rule or Rule())
        self._hearing = Hearing.of(self._models.used)
        self._means = Means((width, count))
        self._ticks = np.zeros(count)
        self._regimes = np.full(count, UNSEEN, dtype=np.intp)
        self._lay_out(np.arange(count))

    def tick(
        self, values: Floats, time: float, regimes: Regimes | None = None, passed: float = 1.0
    ) -> Tick:
        """Take the values of a time (A x W, NaN where bad, stale or none) and score them.

        `time` is in seconds since 1970. `regimes` (A) are places among each machine's baselines,
        UNSEEN for one never seen; None means the first. `passed` is how many ticks have gone by.
        """
        if passed > LONGEST_GAP:
            self._forget(np.ones(len(self._ticks), dtype=np.bool_))
        self._turn_to(np.zeros_like(self._regimes) if regimes is None else regimes)
        heard = np.ascontiguousarray(values.T)
        gone = self._hearing.listen(heard, self._fits.longest_rest, passed)
        if len(gone):
            self._lay_out(gone)
        deviations = (
            np.where(self._hearing.frozen, np.nan, heard) - self._fits.centre
        ) / self._fits.scale
        self._means.absorb(np.clip(deviations, -CLIP, CLIP, out=deviations), passed)
        scores, states = self._score(passed)
        changed = self.hysteresis.step(scores, time)
        return Tick(scores, states, self._hearing.missing.T, self._hearing.frozen.T, tuple(changed))

    def explain(self, machine: int) -> tuple[Contribution, ...]:
        """Which signals make up the score of a machine, the largest share first."""
        one = slice(machine, machine + 1)
        shares = member_shares(
            self._deviations()[..., one], self._fits.whitening[..., one], self._fits.first[..., one]
        )[:, 0]
        shifts = self._means.now[0, :, machine] * self._fits.scale[:, machine]
        seen = self._models.used[:, machine] & ~self._hearing.left_out[:, machine]
        found = [
            Contribution(
                i, float(self._fits.centre[i, machine]), float(shifts[i]), float(shares[i])
            )
            for i in np.flatnonzero(seen & (self._regimes[machine] != UNSEEN)).tolist()
        ]
        return tuple(sorted(found, key=lambda contribution: -contribution.share))

    def snapshot(self) -> dict[str, Floats]:
        """The state as arrays, to go on from after a restart."""
        return {
            "means": self._means.now.copy(),
            "begun": self._means.begun.copy(),
            "ticks": self._ticks.copy(),
            "regimes": self._regimes.astype(np.float64),
            **self._hearing.snapshot(),
            **{f"episode_{name}": array for name, array in self.hysteresis.snapshot().items()},
        }

    def restore(self, arrays: Mapping[str, Floats]) -> None:
        """Go on from a snapshot; raises ValueError for one of other machines or signals."""
        for name, own in self.snapshot().items():
            if name not in arrays or arrays[name].shape != own.shape:
                raise ValueError(f"the state is of another fleet: {name} does not fit")
        self._means.now, self._means.begun = arrays["means"].copy(), arrays["begun"].copy()
        self._ticks = arrays["ticks"].copy()
        self._regimes = arrays["regimes"].astype(np.intp)
        self._hearing.restore(arrays)
        prefix = "episode_"
        self.hysteresis.restore(
            {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        )
        self._lay_out(np.arange(len(self._ticks)))

    def _turn_to(self, regimes: Regimes) -> None:
        """Take the baselines of the regimes that the machines run in now."""
        other = regimes != self._regimes
        if other.any():
            # What was unlike the old regime says nothing of the new one.
            self._forget(other)
            self._regimes = regimes.copy()
            self._lay_out(np.flatnonzero(other))

    def _forget(self, machines: Flags) -> None:
        """Let machines warm up anew."""
        self._means.forget(np.broadcast_to(machines, self._means.begun.shape))
        self._ticks[machines] = 0

    def _lay_out(self, machines: NDArray[np.intp]) -> None:
        """Lay out the baselines of some machines for the next ticks."""
        self._place = self._models.place_of(self._regimes)
        fits = self._models.fits.take(self._place[machines])
        if len(machines) == len(self._place):
            self._fits = fits
        else:
            self._fits.put(machines, fits)
        left_out = self._hearing.left_out
        for machine in machines[left_out[:, machines].any(axis=0)].tolist():
            whitening = self._fits.whitening[..., machine]
            self._fits.whitening[..., machine] = bridged(whitening, left_out[:, machine])

    def _deviations(self) -> Floats:
        deviations = member_inputs(self._means.now, self._fits.slow)
        deviations -= self._fits.offsets
        return deviations

    def _score(self, passed: float) -> tuple[Floats, NDArray[np.int8]]:
        seen = self._hearing.seen()
        enough = seen >= self._hearing.least(_LEAST_SHARE)
        self._ticks += min(passed, 1.0) * enough
        distances = member_distances(self._deviations(), self._fits.whitening, self._fits.first)
        states = np.where(self._ticks > WARM_UP, State.SCORED, State.WARMING_UP).astype(np.int8)
        states[~enough] = State.NOT_ENOUGH_DATA
        states[self._place == UNSEEN] = State.UNSEEN_REGIME
        return np.where(states == State.SCORED, mix(distances), np.nan), states
