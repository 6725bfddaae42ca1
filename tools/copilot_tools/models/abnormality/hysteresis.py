"""Episodes of many machines at once, kept in arrays that a file can hold."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from copilot_tools.models.abnormality.episodes import Rule
from copilot_tools.timeseries import Flags, Floats


@dataclass(frozen=True, slots=True)
class Episode:
    """When a machine was unlike itself (seconds since 1970) and the highest score; end None: is."""

    machine: int
    begin: float
    end: float | None
    peak: float


@dataclass(slots=True)
class Hysteresis:
    """The rule of `find_spells` for A machines, one score of each at a time.

    `factors` may differ by machine. `rise` and `fall` say when the run of high or low scores began.
    """

    rule: Rule
    factors: Floats
    above: Floats
    below: Floats
    rise: Floats
    fall: Floats
    begin: Floats
    peak: Floats

    @classmethod
    def of(cls, machines: int, rule: Rule) -> "Hysteresis":
        """Nothing seen yet."""
        zeros, never = np.zeros(machines), np.full(machines, np.nan)
        return cls(
            rule,
            factors=np.full(machines, rule.factor),
            above=zeros,
            below=zeros.copy(),
            rise=never,
            fall=never.copy(),
            begin=never.copy(),
            peak=zeros.copy(),
        )

    def step(self, scores: Floats, time: float) -> list[Episode]:
        """Take the scores of a time (seconds since 1970); the episodes that began or ended by it.

        NaN is no score and changes nothing.
        """
        rated = np.isfinite(scores)
        high = rated & (scores >= self.factors)
        low = rated & (scores < self.factors * self.rule.hysteresis)
        self._count(self.above, self.rise, high, rated, time)
        self._count(self.below, self.fall, low, rated, time)
        inside = self.inside
        self.peak = np.where(
            inside | (self.above > 0), np.fmax(self.peak, np.where(rated, scores, np.nan)), 0.0
        )
        starting = ~inside & (self.above >= self.rule.least)
        ending = inside & (self.below >= self.rule.least)
        if not (starting.any() or ending.any()):
            return []
        self.begin = np.where(starting, self.rise, self.begin)
        changed = [self._episode(i, None) for i in np.flatnonzero(starting).tolist()]
        changed += [self._episode(i, float(self.fall[i])) for i in np.flatnonzero(ending).tolist()]
        self.begin = np.where(ending, np.nan, self.begin)
        return changed

    @property
    def inside(self) -> Flags:
        """Which machines are in an episode."""
        return np.isfinite(self.begin)

    def running(self) -> list[Episode]:
        """The episodes that go on."""
        return [self._episode(i, None) for i in np.flatnonzero(self.inside).tolist()]

    def snapshot(self) -> dict[str, Floats]:
        """The state as arrays."""
        return {f.name: getattr(self, f.name).copy() for f in fields(self) if f.name != "rule"}

    def restore(self, arrays: Mapping[str, Floats]) -> None:
        """Go on from a snapshot."""
        for name in self.snapshot():
            setattr(self, name, arrays[name].copy())

    def _episode(self, machine: int, end: float | None) -> Episode:
        return Episode(machine, float(self.begin[machine]), end, float(self.peak[machine]))

    @staticmethod
    def _count(counts: Floats, since: Floats, flags: Flags, rated: Flags, time: float) -> None:
        """Lengthen or end runs in place; `since` is when each began."""
        since[flags & (counts == 0)] = time
        counts[flags] += 1
        counts[rated & ~flags] = 0
