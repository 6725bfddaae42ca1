"""Figures of anomaly detection: point-wise counts pooled over files, thresholds, events."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from copilot_tools.models.abnormality.episodes import Rule, find_spells
from copilot_tools.timeseries import Flags, Floats

FACTORS = np.arange(0.5, 8.0, 0.02)

Counts = NDArray[np.int64]  # true alarms, false alarms, missed, rightly silent


def count(alarms: Flags, truth: Flags) -> Counts:
    """The four counts of a file."""
    return np.array(
        [(a & t).sum() for a, t in ((alarms, truth), (alarms, ~truth), (~alarms, truth))]
        + [(~alarms & ~truth).sum()],
        dtype=np.int64,
    )


def rates(counts: Counts) -> dict[str, float]:
    """F1, false alarm rate and missed alarm rate (%) of pooled counts; no point adjustment."""
    right, false, missed, silent = (int(number) for number in counts)
    return {
        "f1": round(right / max(right + (missed + false) / 2, 1e-9), 4),
        "far": round(100 * false / max(false + silent, 1), 2),
        "mar": round(100 * missed / max(missed + right, 1), 2),
    }


def thresholds_from_others(scores: Sequence[Floats], truths: Sequence[Flags]) -> list[float]:
    """For each file the factor with the best pooled F1 over the other files.

    A single file has no others: the default factor stands for it.
    """
    if len(scores) < 2:
        return [Rule().factor] * len(scores)
    tables = np.array([_sweep(s, t) for s, t in zip(scores, truths, strict=True)])
    whole = tables.sum(axis=0)
    return [float(FACTORS[_f1(whole - table).argmax()]) for table in tables]


def _sweep(scores: Floats, truth: Flags) -> Counts:
    """The counts of a file at each factor (factors x 4)."""
    positive, negative = np.sort(scores[truth]), np.sort(scores[~truth])
    missed, silent = (np.searchsorted(part, FACTORS) for part in (positive, negative))
    return np.column_stack([len(positive) - missed, len(negative) - silent, missed, silent])


def _f1(table: Counts) -> Floats:
    right, false, missed, _ = table.T
    return np.asarray(right / np.maximum(right + (missed + false) / 2, 1e-9), dtype=np.float64)


def mean_auc(scores: Sequence[Floats], truths: Sequence[Flags]) -> float:
    """The area under the ROC curve, the mean over the files that hold both kinds of rows."""
    from sklearn.metrics import roc_auc_score

    both = [(s, t) for s, t in zip(scores, truths, strict=True) if t.any() and not t.all()]
    areas = [roc_auc_score(truth, score) for score, truth in both]
    return round(float(np.mean(areas)), 4) if areas else float("nan")


@dataclass(frozen=True, slots=True)
class Events:
    """Faults, how many were noticed, after how many seconds at the median, and false starts."""

    faults: int
    found: int
    delay_s: float | None
    false_starts: int
    healthy_h: float


def find_events(scores: Sequence[Floats], truths: Sequence[Flags], rule: Rule) -> Events:
    """Whether an alarm by the rule was on in each labelled stretch; files are at 1 Hz."""
    faults = found = false_starts = healthy = 0
    delays: list[int] = []
    for score, truth in zip(scores, truths, strict=True):
        on = np.zeros(len(score), dtype=np.bool_)
        for begin, end in find_spells(score, rule):
            on[begin:end] = True
            false_starts += not truth[begin]
        healthy += int((~truth).sum())
        edges = np.flatnonzero(np.diff(np.r_[False, truth, False].astype(np.int8))).tolist()
        for begin, end in list(pairwise(edges))[::2]:
            faults += 1
            noticed = np.flatnonzero(on[begin:end])
            if len(noticed):
                found += 1
                delays.append(int(noticed[0]))
    delay = float(np.median(delays)) if delays else None
    return Events(faults, found, delay, false_starts, round(healthy / 3600, 2))
