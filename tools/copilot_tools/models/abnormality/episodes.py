"""From when to when a score stood out: hysteresis and a least duration.

An episode begins with the first of `least` successive scores at `factor` or above, and ends with
the first of as many below `factor` times `hysteresis`. A time without a score counts for neither.
"""

from dataclasses import dataclass

from copilot_tools.timeseries import Floats


@dataclass(frozen=True, slots=True)
class Rule:
    """When a score is abnormal; `factor` in limits of usual behaviour."""

    factor: float = 2.4
    hysteresis: float = 0.7
    least: int = 3


def find_spells(scores: Floats, rule: Rule) -> list[tuple[int, int]]:
    """The places [begin, end) of each episode, oldest first; the last may reach the last score.

    `scores` are those that there are, in their order, none of them NaN.
    """
    spells: list[tuple[int, int]] = []
    above = below = 0
    begin: int | None = None
    for nth, score in enumerate(scores.tolist()):
        above = above + 1 if score >= rule.factor else 0
        below = below + 1 if score < rule.factor * rule.hysteresis else 0
        if begin is None and above >= rule.least:
            begin = nth - rule.least + 1
        elif begin is not None and below >= rule.least:
            spells.append((begin, nth - rule.least + 1))
            begin = None
    if begin is not None:
        spells.append((begin, len(scores)))
    return spells
