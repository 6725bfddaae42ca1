import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot_tools.models.wear import fit_wear

DAYS = np.arange(40.0) - 39.5


def course(shape: np.ndarray, noise: float = 0.05, seed: int = 1) -> np.ndarray:
    return shape + np.random.default_rng(seed).normal(0, noise, len(shape))


def test_a_steady_rise_reaches_its_limit_when_the_line_does():
    trend = fit_wear(DAYS, course(2 + 0.1 * (DAYS - DAYS[0])), 7.0, rising=True)
    assert trend.significant
    assert trend.days == pytest.approx(11, abs=2.5)
    assert trend.low <= 11 <= trend.high
    assert trend.rate == pytest.approx(0.1, abs=0.03)


def test_a_rise_that_gathers_speed_is_not_carried_on_straight():
    passed = np.maximum(DAYS + 20, 0)
    trend = fit_wear(DAYS, course(1 + 0.008 * passed**2), 7.0, rising=True)
    truth = np.sqrt(6 / 0.008) - 20 + 0.5
    assert trend.low <= truth <= trend.high
    assert trend.days == pytest.approx(truth, abs=2)


def test_a_late_onset_is_found():
    trend = fit_wear(DAYS, course(2 + 0.4 * np.maximum(DAYS + 8, 0)), 7.0, rising=True)
    assert trend.onset == pytest.approx(-8, abs=3)
    assert trend.days == pytest.approx(5, abs=2)


def test_a_falling_signal_wears_towards_a_low_limit():
    trend = fit_wear(DAYS, course(60 - 0.5 * (DAYS - DAYS[0])), 25.0, rising=False)
    assert trend.significant
    assert trend.rate == pytest.approx(-0.5, abs=0.1)
    assert trend.level == pytest.approx(40.5, abs=0.5)


@pytest.mark.parametrize("slope", [0.0, -0.05])
def test_a_signal_that_does_not_move_towards_its_limit_is_not_significant(slope: float):
    trend = fit_wear(DAYS, course(2 + slope * (DAYS - DAYS[0])), 7.0, rising=True)
    assert not trend.significant


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=40),
    st.floats(-1e3, 1e3),
    st.booleans(),
)
def test_an_interval_is_ordered_and_never_negative(
    values: list[float], threshold: float, rising: bool
):
    days = np.arange(float(len(values))) - len(values)
    trend = fit_wear(days, np.array(values), threshold, rising=rising)
    assert 0 <= trend.low <= trend.days <= trend.high
