"""How often predictions were right: past ones against the lives that components then had."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import numpy as np

from copilot_tools.lifetimes import Lifetime
from copilot_tools.predictions import Prediction

SLACK_DAYS = 0.5
_DAY = 86400.0

Verdict: TypeAlias = Literal["within", "ended sooner", "lasted longer", "cut short", "not yet due"]
DUE: tuple[Verdict, ...] = ("within", "ended sooner", "lasted longer")


@dataclass(frozen=True, slots=True)
class Judged:
    """A prediction with what became of it; `error` is predicted less true days, where known."""

    prediction: Prediction
    verdict: Verdict
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """How many predictions came due, how many held, and how far off they were (days, median).

    `cut` counts those of lives that a repair ended in time: they say nothing either way.
    """

    due: int
    within: int
    sooner: int
    longer: int
    pending: int
    cut: int
    off: float | None

    @property
    def coverage(self) -> float | None:
        """The share that held; None while none came due. An 80 % interval should hold .8."""
        return self.within / self.due if self.due else None


def judge(
    predictions: Iterable[Prediction], lives: Sequence[Lifetime], now: datetime
) -> Iterator[Judged]:
    """Hold predictions of one component against its lives, up to `now`.

    A life cut short by a repair in time says nothing of an end predicted for later. One that goes
    on proves a prediction wrong once its interval is over, or right if it said only "more than".
    """
    for prediction in predictions:
        life = _life_at(lives, prediction.at)
        if life is not None:
            yield _judge(prediction, life, now)


def tally(judged: Iterable[Judged]) -> Scorecard:
    """The scorecard of judged predictions."""
    all_of_them = list(judged)
    verdicts = [each.verdict for each in all_of_them]
    errors = [abs(each.error) for each in all_of_them if each.error is not None]
    return Scorecard(
        due=sum(verdicts.count(verdict) for verdict in DUE),
        within=verdicts.count("within"),
        sooner=verdicts.count("ended sooner"),
        longer=verdicts.count("lasted longer"),
        pending=verdicts.count("not yet due"),
        cut=verdicts.count("cut short"),
        off=float(np.median(errors)) if errors else None,
    )


def _life_at(lives: Sequence[Lifetime], at: datetime) -> Lifetime | None:
    for life in lives:
        if (life.begin is None or life.begin <= at) and (life.end is None or at < life.end):
            return life
    return None


def _judge(prediction: Prediction, life: Lifetime, now: datetime) -> Judged:
    until = min(life.end, now) if life.end else now
    lived = (until - prediction.at).total_seconds() / _DAY
    ended = life.end is not None and life.end <= now
    low = prediction.low - SLACK_DAYS
    high = float("inf") if prediction.high is None else prediction.high + SLACK_DAYS
    if lived > high:
        return Judged(prediction, "lasted longer")
    if ended and life.failed:
        error = None if prediction.high is None else prediction.days - lived
        return Judged(prediction, "within" if lived >= low else "ended sooner", error)
    if prediction.high is None and lived >= prediction.low:
        return Judged(prediction, "within")
    return Judged(prediction, "cut short" if ended else "not yet due")
