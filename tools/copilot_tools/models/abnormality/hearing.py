"""Which signals of a fleet speak: those silent or unchanged for too long are left out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copilot_tools.timeseries import Flags, Floats

HOLD = 10  # ticks for which a missing value is bridged by its mean
_LEAST_REST = 10


@dataclass(slots=True)
class Hearing:
    """The last value of each signal (W x A), for how many ticks unchanged, for how many silent."""

    used: Flags
    last: Floats
    same: Floats
    silent: Floats
    missing: Flags
    frozen: Flags
    left_out: Flags

    @classmethod
    def of(cls, used: Flags) -> "Hearing":
        """Nothing heard yet of the signals that are used."""
        return cls(
            used,
            np.full(used.shape, np.nan),
            np.zeros(used.shape),
            np.full(used.shape, np.inf),
            used.copy(),
            np.zeros_like(used),
            used.copy(),
        )

    def listen(self, values: Floats, longest_rest: Floats, passed: float) -> NDArray[np.intp]:
        """Take the values of a tick; the machines of which other signals are left out than before.

        A signal is frozen once unchanged for three times as long as it ever was in its reference.
        """
        heard = np.isfinite(values)
        self.silent += passed
        self.silent[heard] = 0.0
        self.same += passed
        self.same[heard & (values != self.last)] = 0.0
        np.copyto(self.last, values, where=heard)
        self.missing = self.used & (self.silent > HOLD)
        still = self.same > np.maximum(3 * longest_rest, _LEAST_REST)
        self.frozen = self.used & heard & still
        left_out = self.missing | self.frozen
        if np.array_equal(left_out, self.left_out):
            return np.empty(0, dtype=np.intp)
        other = (left_out != self.left_out).any(axis=0)
        self.left_out = left_out
        return np.flatnonzero(other)

    def seen(self) -> NDArray[np.intp]:
        """How many signals of each machine are heard."""
        return np.asarray((self.used & ~self.left_out).sum(axis=0), dtype=np.intp)

    def least(self, share: float) -> Floats:
        """How many of each machine a share of them is, at least one."""
        return np.asarray(np.maximum(share * self.used.sum(axis=0), 1.0), dtype=np.float64)

    def snapshot(self) -> dict[str, Floats]:
        """The state as arrays."""
        flags = {"missing": self.missing, "frozen": self.frozen}
        counts = {"last": self.last, "same": self.same, "silent": self.silent}
        return {name: array.astype(np.float64) for name, array in (counts | flags).items()}

    def restore(self, arrays: Mapping[str, Floats]) -> None:
        """Go on from a snapshot."""
        self.last, self.same = arrays["last"].copy(), arrays["same"].copy()
        self.silent = arrays["silent"].copy()
        self.missing, self.frozen = arrays["missing"] > 0, arrays["frozen"] > 0
        self.left_out = self.missing | self.frozen
