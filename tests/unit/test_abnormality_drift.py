import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from copilot_tools.models.abnormality.drift import signal_drifts


def test_only_the_signal_that_moved_has_drifted():
    random = np.random.default_rng(1)
    reference, recent = random.normal(20, 1, (4000, 3)), random.normal(20, 1, (1000, 3))
    recent[:, 1] += 1.8
    drifts = signal_drifts(reference, recent)
    assert [drift.drifted for drift in drifts] == [False, True, False]
    assert drifts[1].shift == pytest.approx(1.8, abs=0.15)
    assert drifts[1].spreads == pytest.approx(1.8, abs=0.15)


def test_drift_needs_enough_values_on_both_sides():
    random = np.random.default_rng(2)
    reference, recent = random.normal(size=(500, 2)), random.normal(5, 1, (500, 2))
    recent[50:, 0] = np.nan
    assert [drift.column for drift in signal_drifts(reference, recent)] == [1]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(100, 300), st.sampled_from([2, 9, 10**6]))
def test_the_distance_is_that_of_scipy(seed: int, count: int, values: int):
    random = np.random.default_rng(seed)
    before, after = random.integers(0, values, 150), random.integers(0, values, count) ** 0.9
    (drift,) = signal_drifts(before[:, None].astype(float), after[:, None])
    assert drift.distance == pytest.approx(ks_2samp(before, after, method="asymp").statistic)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(100, 400), st.sampled_from([1, 3, 50]))
def test_a_signal_against_itself_never_drifts(seed: int, count: int, values: int):
    rows = np.random.default_rng(seed).integers(0, values, (count, 2)).astype(float)
    for drift in signal_drifts(rows, rows):
        assert not drift.drifted
        assert drift.distance == pytest.approx(0.0)
        assert drift.stability == pytest.approx(0.0)
