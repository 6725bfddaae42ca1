"""Whether a defect came in a burst: when it began, in which lot, how much more of it there was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log

import numpy as np

from copilot_tools.records import Inspection
from copilot_tools.timeseries import Floats

FEWEST = 4
"""Units with the defect below which nothing is called a burst."""
TIMES = 3.0
"""How much more frequent than outside of it a defect must be in a burst."""
MOST_ENDS = 400


@dataclass(frozen=True, slots=True)
class Burst:
    """A span in which a line had a defect unusually often, from its first unit to its last.

    `batch` is the lot in which it began, `batches` are all that have units with the defect.
    `found` of `inspected` units had it; outside of the span the share was `usual` (0..1).
    """

    line: str
    defect: str
    batch: str
    batches: tuple[str, ...]
    product: str
    onset: datetime
    end: datetime
    found: int
    inspected: int
    usual: float
    strength: float


def find_burst(results: Sequence[Inspection], defects: frozenset[str] | None) -> Burst | None:
    """The strongest burst of one of `defects` (None: of any) on a line; results are oldest first.

    Scan statistic over all spans that begin and end with the defect (Kulldorff 1997, Bernoulli
    model); spans that chance would give once in about a hundred periods do not count.
    """
    found = [
        burst
        for line in dict.fromkeys(result.line for result in results)
        for burst in _of_line([result for result in results if result.line == line], defects)
    ]
    return max(found, key=lambda burst: burst.strength, default=None)


def _of_line(results: list[Inspection], defects: frozenset[str] | None) -> Iterator[Burst]:
    for defect in dict.fromkeys(r.defect for r in results if not r.passed):
        if defects is not None and defect not in defects:
            continue
        places = np.flatnonzero([r.defect == defect for r in results])
        span = _strongest_span(places, len(results))
        if span is None:
            continue
        first, last, strength = span
        inside = results[first : last + 1]
        number = int(((places >= first) & (places <= last)).sum())
        outside = max(len(results) - len(inside), 1)
        batches = dict.fromkeys(r.batch for r in inside if r.defect == defect)
        begun = results[first]
        yield Burst(
            line=begun.line,
            defect=defect,
            batch=begun.batch,
            batches=tuple(batches),
            product=begun.product,
            onset=begun.time,
            end=inside[-1].time,
            found=number,
            inspected=len(inside),
            usual=(len(places) - number) / outside,
            strength=strength,
        )


def _strongest_span(places: np.ndarray, total: int) -> tuple[int, int, float] | None:
    """The first and last place of the span that stands out most, with its log-likelihood ratio."""
    if len(places) < FEWEST:
        return None
    chosen = np.unique(np.linspace(0, len(places) - 1, MOST_ENDS).astype(np.intp))
    first, last = np.triu_indices(len(chosen), 1)
    number = (chosen[last] - chosen[first] + 1).astype(np.float64)
    length = (places[chosen[last]] - places[chosen[first]] + 1).astype(np.float64)
    ratio = _likelihood_ratio(number, length, float(len(places)), float(total))
    ratio[number < FEWEST] = -1.0
    best = int(ratio.argmax())
    inside = number[best] / length[best]
    outside = (len(places) - number[best]) / max(total - length[best], 1.0)
    if ratio[best] < log(total) + 4.5 or inside < TIMES * outside:
        return None
    return int(places[chosen[first[best]]]), int(places[chosen[last[best]]]), float(ratio[best])


def _likelihood_ratio(number: Floats, length: Floats, all_found: float, total: float) -> Floats:
    """How much likelier two shares, inside and outside, are than one; 0 where inside has less."""
    rest, others = all_found - number, total - length
    together = _log_likelihood(np.array([all_found]), np.array([total]))
    ratio = _log_likelihood(number, length) + _log_likelihood(rest, others) - together
    more = number * np.maximum(others, 1.0) > rest * length
    return np.where(more, ratio, 0.0)


def _log_likelihood(number: Floats, length: Floats) -> Floats:
    share = np.clip(number / np.maximum(length, 1.0), 1e-12, 1 - 1e-12)
    return number * np.log(share) + (length - number) * np.log1p(-share)
