import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from copilot_tools.models.abnormality.drift import (
    largest_difference,
    signal_drifts,
    stability_index,
)


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


@given(st.integers(0, 1000), st.integers(40, 300), st.floats(-5, 5))
@settings(max_examples=40, deadline=None)
def test_the_index_grows_with_the_shift(seed: int, count: int, shift: float):
    random = np.random.default_rng(seed)
    before, now = random.normal(0, 1, 400), random.normal(0, 1, count)
    index = stability_index(before, now + shift)
    assert 0 <= index < 20
    if abs(shift) > 2:
        assert index > stability_index(before, now)


def test_the_index_is_what_the_formula_says():
    before = np.arange(100.0)
    now = np.concatenate([np.full(50, 5.0), np.full(50, 95.0)])
    few = 1e-3
    wanted = 2 * (0.5 - 0.1) * np.log(5) + 8 * (few - 0.1) * np.log(few / 0.1)
    assert stability_index(before, now) == pytest.approx(wanted)


LEVELS = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(LEVELS, min_size=1, max_size=60), st.lists(LEVELS, min_size=1, max_size=60))
def test_the_index_is_never_negative_and_none_for_the_same_values(
    some: list[float], others: list[float]
):
    before, after = np.array(some), np.array(others)
    assert stability_index(before, after) >= 0
    assert stability_index(before, before[::-1]) == 0


@settings(max_examples=60, deadline=None)
@given(LEVELS, st.floats(1e-3, 1e3), st.sampled_from([-1, 1]), st.integers(30, 200))
def test_what_stood_still_is_seen_to_move_either_way(
    level: float, step: float, way: int, count: int
):
    moved = level + way * step
    assume(moved != level)
    before, after = np.full(100, level), np.full(count, moved)
    assert stability_index(before, after) > 10
    assert largest_difference(before, after) == 1
    before[:50] = level - 1e7  # A signal with two values, of which the upper one has moved.
    after[: count // 2] = level - 1e7
    assert stability_index(before, after) > 3
