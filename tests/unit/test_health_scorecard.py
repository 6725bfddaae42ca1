from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from telemetry_fixture import NOW, job

from copilot_tools.lifetimes import Lifetime, lifetimes
from copilot_tools.predictions import Prediction
from copilot_tools.records import WorkOrderStatus
from copilot_tools.scorecard import judge, tally
from copilot_tools.site.model import Component, Wear

BEARING = Component("K-1", "bearing", part="BRG-1", wear=Wear("vibration", 7.0))
NONE = np.empty(0)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def said(at: float, low: float, high: float | None, days: float = 10.0) -> Prediction:
    return Prediction("K-1", "bearing", ago(at), "trend", "told", days, low, high)


def verdicts(predictions: list[Prediction], lives: list[Lifetime]) -> list[str]:
    return [each.verdict for each in judge(predictions, lives, NOW)]


FAILED = [Lifetime(ago(100), ago(50), failed=True), Lifetime(ago(50), None, failed=False)]
MENDED = [Lifetime(ago(100), ago(50), failed=False), Lifetime(ago(50), None, failed=False)]


@pytest.mark.parametrize(
    ("lives", "prediction", "verdict"),
    [
        (FAILED, said(60, 8, 12), "within"),
        (FAILED, said(60, 10.4, 12), "within"),
        (FAILED, said(60, 11, 14), "ended sooner"),
        (FAILED, said(60, 5, 9), "lasted longer"),
        (FAILED, said(60, 8, None), "within"),
        (FAILED, said(60, 30, None), "ended sooner"),
        (MENDED, said(60, 8, 12), "cut short"),
        (MENDED, said(60, 20, 40), "cut short"),
        (MENDED, said(60, 5, 9), "lasted longer"),
        (MENDED, said(60, 8, None), "within"),
        (FAILED, said(40, 30, 50), "not yet due"),
        (FAILED, said(40, 20, 30), "lasted longer"),
        (FAILED, said(40, 30, None), "within"),
        (FAILED, said(40, 60, None), "not yet due"),
    ],
)
def test_a_prediction_is_held_against_the_life_it_was_made_in(
    lives: list[Lifetime], prediction: Prediction, verdict: str
):
    assert verdicts([prediction], lives) == [verdict]


def test_a_prediction_between_limit_and_repair_is_not_judged():
    lives = [Lifetime(None, ago(50), failed=True), Lifetime(ago(45), None, failed=False)]
    assert verdicts([said(47, 1, 2)], lives) == []


def test_the_card_counts_and_tells_how_far_off():
    card = tally(judge([said(60, 8, 12, 9.0), said(62, 3, 5, 4.0), said(40, 30, 90)], FAILED, NOW))
    assert (card.due, card.within, card.longer, card.pending) == (2, 1, 1, 1)
    assert card.coverage == 0.5
    assert card.off == pytest.approx(1.0)
    assert tally([]).coverage is None


@given(
    st.floats(0.1, 99), st.floats(0, 100), st.one_of(st.none(), st.floats(0, 100)), st.booleans()
)
def test_every_prediction_gets_one_verdict(
    at: float, low: float, width: float | None, failed: bool
):
    lives = [Lifetime(None, ago(50), failed), Lifetime(ago(50), None, failed=False)]
    high = None if width is None else low + width
    card = tally(judge([said(at, low, high)], lives, NOW))
    assert card.due in (0, 1)
    assert card.within + card.sooner + card.longer == card.due


def test_lives_reach_from_repair_to_repair():
    orders = [
        job(50),
        job(20, kind="preventive", component="drive end", parts=("BRG-1",)),
        job(30, kind="preventive"),
        job(10, status=WorkOrderStatus.OPEN),
    ]
    assert lifetimes(BEARING, orders, NONE, NONE) == [
        Lifetime(None, ago(50), failed=True),
        Lifetime(ago(50), ago(20), failed=False),
        Lifetime(ago(20), None, failed=False),
    ]


def test_the_limit_ends_a_life_before_its_repair():
    days = np.arange(60, 0, -1)
    seconds = np.array([ago(float(day)).timestamp() for day in days])
    wear = np.where(days > 25, 3.0, np.where(days > 20, 8.0, 2.0))
    wear[5] = 9.0  # a day alone is no wear
    assert lifetimes(BEARING, [job(20.5, kind="preventive", parts=("BRG-1",))], seconds, wear) == [
        Lifetime(None, ago(25), failed=True),
        Lifetime(ago(20.5), None, failed=False),
    ]
