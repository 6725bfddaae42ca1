from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_tools.timeseries import (
    bucket_medians,
    find_gaps,
    resting_since,
    theil_sen,
    thin,
    time_mean,
)

START = datetime(2026, 11, 21, tzinfo=UTC)
values = st.none() | st.floats(-1e6, 1e6)


@given(st.lists(values, max_size=2000))
def test_thinning_keeps_the_extremes_and_stays_small(points: list[float | None]):
    times = [START + timedelta(minutes=n) for n in range(len(points))]
    thin_times, thin_values = thin(times, points, most=50)
    assert len(thin_times) == len(thin_values) <= 50 or len(points) <= 50
    known = [point for point in points if point is not None]
    kept = [point for point in thin_values if point is not None]
    assert (max(kept), min(kept)) == (max(known), min(known)) if known else not kept
    assert list(thin_times) == sorted(thin_times)


@given(st.lists(st.tuples(st.integers(0, 99), st.floats(-1e3, 1e3)), min_size=1, max_size=60))
def test_bucket_medians_are_the_medians_of_the_buckets(samples: list[tuple[int, float]]):
    ordered = sorted(samples)
    seconds = np.array([float(second) for second, _ in ordered])
    column = np.array([value for _, value in ordered])
    medians = bucket_medians(seconds, column, 0.0, 10.0, 10)
    for number in range(10):
        inside = [value for second, value in ordered if second // 10 == number]
        if inside:
            assert medians[number] == pytest.approx(np.median(inside))
        else:
            assert np.isnan(medians[number])


def test_a_slope_withstands_a_third_of_outliers():
    x = np.arange(90.0)
    y = 2 * x
    y[::4] += 1000
    assert theil_sen(x, y) == pytest.approx(2.0, abs=0.2)
    assert np.isnan(theil_sen(np.array([1.0]), np.array([1.0])))
    assert np.isnan(theil_sen(x, np.full(90, np.nan)))


def test_gaps_are_where_samples_should_have_been():
    seconds = np.array([*np.arange(0, 600, 60.0), *np.arange(3000, 3600, 60.0)])
    assert find_gaps(seconds, 0.0, 3600.0) == [(540.0, 3000.0)]
    assert find_gaps(np.array([]), 0.0, 60.0) == [(0.0, 60.0)]
    assert find_gaps(np.array([]), 0.0, 0.0) == []


def minutes(course: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return 60.0 * np.arange(len(course)), np.array(course)


MOVING = [float(n % 5) for n in range(300)]


@pytest.mark.parametrize(
    ("course", "since"),
    [
        ([*MOVING, *[4.0] * 60], 299 * 60.0),
        ([*MOVING, *[4.0] * 20], None),  # not for long enough
        ([4.0] * 360, None),  # it never moved
        ([*MOVING, *[0.5] * 100, *MOVING, *[4.0] * 60], None),  # it has rested as long before
        ([*MOVING[:40], *[4.0] * 100], None),  # too little is known of before
        ([], None),
    ],
)
def test_a_signal_rests_only_if_it_used_to_move(course: list[float], since: float | None):
    assert resting_since(*minutes(course)) == since


def test_a_change_of_sampling_is_no_gap_but_a_hole_in_either_part_is():
    slow = np.arange(0, 7200, 60.0)
    fast = np.arange(7200, 7800, 1.0)
    seconds = np.concatenate([slow, fast])
    assert find_gaps(seconds, 0.0, 7799.0) == []
    holed = seconds[(seconds < 1200) | (seconds > 3000)]
    assert find_gaps(holed, 0.0, 7799.0) == [(1140.0, 3060.0)]
    holed = seconds[(seconds < 7300) | (seconds > 7400)]
    assert find_gaps(holed, 0.0, 7799.0) == [(7299.0, 7401.0)]


def test_the_mean_is_over_time_not_over_samples():
    slow, fast = np.arange(0, 3600, 60.0), np.arange(3600, 7200, 1.0)
    seconds = np.concatenate([slow, fast])
    values = np.concatenate([np.full(len(slow), 10.0), np.full(len(fast), 20.0)])
    assert time_mean(seconds, values) == pytest.approx(15.0, abs=0.2)
    assert np.isnan(time_mean(seconds, np.full(len(seconds), np.nan)))
