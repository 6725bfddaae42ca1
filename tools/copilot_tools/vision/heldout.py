"""Limits of a trained network, and its performance on pictures that it never saw."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from copilot_tools.vision.card import UNKNOWN, HeldOut
from copilot_tools.vision.folder import LabelledFile, LabelledFolder, read_labelled
from copilot_tools.vision.session import Session

SURE_FROM, SURE_TO = 0.7, 0.99
RIGHT = 0.995
"""The share of right answers that is wanted of those nobody looks at."""
MARGIN = 1.25


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on the network is sure, and beyond which heat a part is like no good one."""

    sure: float
    limit: float
    distances: tuple[float, ...]


def set_limits(session: Session, folder: LabelledFolder, files: Sequence[LabelledFile]) -> Limits:
    """The limits that pictures outside the fit ask for."""
    sure, right, hottest = [], [], []
    for file in files:
        answers = session.look(read_labelled(file).pixels)
        chances = answers["classes"][0]
        sure.append(float(chances.max()))
        right.append(folder.classes[int(chances.argmax())] == file.label)
        if folder.good in ("", file.label):
            hottest.append(float(answers["heat"].max()))
    distances = np.quantile(hottest, np.linspace(0, 1, 11))
    return Limits(
        sure=_sure_from(np.array(sure), np.array(right)),
        limit=round(MARGIN * float(distances[-1]), 3),
        distances=tuple(round(float(distance), 3) for distance in distances),
    )


def _sure_from(sure: np.ndarray, right: np.ndarray) -> float:
    """The lowest probability from which nearly all answers are right."""
    for limit in np.arange(SURE_FROM, SURE_TO, 0.01):
        accepted = right[sure >= limit]
        if len(accepted) == 0 or accepted.mean() >= RIGHT:
            return round(float(limit), 2)
    return SURE_TO


def judge(
    session: Session, folder: LabelledFolder, files: Sequence[LabelledFile], limits: Limits
) -> HeldOut:
    """How a network does on held-out pictures; what is like no good part is not taken for one."""
    pairs: Counter[tuple[str, str]] = Counter()
    unsure = 0
    for file in files:
        answers = session.look(read_labelled(file).pixels)
        chances = answers["classes"][0]
        answer = folder.classes[int(chances.argmax())]
        odd = answer == folder.good and float(answers["heat"].max()) > limits.limit
        pairs[file.label, UNKNOWN if odd else answer] += 1
        unsure += odd or float(chances.max()) < limits.sure
    shown = Counter(file.label for file in files)
    said: Counter[str] = Counter()
    for (_, answer), number in pairs.items():
        said[answer] += number
    return HeldOut(
        pictures=len(files),
        accuracy=round(sum(pairs[c, c] for c in folder.classes) / len(files), 4),
        recall={c: round(pairs[c, c] / max(shown[c], 1), 4) for c in folder.classes},
        precision={c: round(pairs[c, c] / max(said[c], 1), 4) for c in folder.classes},
        confused={
            c: {o: pairs[c, o] for o in (*folder.classes, UNKNOWN) if pairs[c, o] and c != o}
            for c in folder.classes
        },
        reviewed=round(unsure / len(files), 4),
    )
