import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wearing_fleet import fleet, life

from copilot_tools.models.remaining_life import Run
from copilot_tools.models.remaining_life.channels import Channels
from copilot_tools.models.remaining_life.features import Features
from copilot_tools.models.remaining_life.regimes import Regimes
from copilot_tools.models.remaining_life.summaries import (
    change,
    curve,
    ewma,
    running_mean,
    since_begin,
    slope,
)

RUNS = fleet(8)
FEATURES = Features.fit(RUNS, cap=125.0, seed=0)
ROWS = np.random.default_rng(5).normal(0, 1, (90, 2))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 160), st.integers(1, 60), st.floats(0, 1))
def test_the_future_of_a_run_changes_no_feature(seed: int, cut: int, more: int, missing: float):
    random = np.random.default_rng(seed)
    whole = life(seed, cut + more)
    sensors = np.where(random.random(whole.sensors.shape) < missing, np.nan, whole.sensors)
    whole = Run("x", whole.settings, sensors)
    full, known = FEATURES.of(whole), FEATURES.of(whole.until(cut))
    np.testing.assert_allclose(known, full[:cut], rtol=0, atol=1e-9)
    assert np.isfinite(full).all()


def test_a_weighted_mean_is_that_of_its_weights():
    weights = 0.5 ** (np.arange(29, -1, -1) / 4)
    np.testing.assert_allclose(ewma(ROWS, 4)[29], np.average(ROWS[:30], axis=0, weights=weights))


def test_a_slope_points_the_way_of_the_last_rows():
    line = np.column_stack([0.3 * np.arange(60.0), 7 - 0.1 * np.arange(60.0)])
    found = slope(line, 60)
    np.testing.assert_allclose(found[-1], [0.3, -0.1], rtol=0.01)
    assert abs(found[4, 0]) < 0.05  # Five rows are too few to believe a slope.
    assert found[0].tolist() == [0, 0]


def test_means_and_changes_stop_at_the_begin():
    np.testing.assert_allclose(running_mean(ROWS)[49], ROWS[:50].mean(axis=0))
    np.testing.assert_allclose(since_begin(ROWS, ROWS)[60], ROWS[60] - ROWS[:20].mean(axis=0))
    assert (change(ROWS, 10)[:11] == ROWS[:11] - ROWS[0]).all()
    assert (change(ROWS, 10)[10:] == ROWS[10:] - ROWS[:-10]).all()


def test_a_quadratic_course_is_recognised():
    steps = np.arange(150.0)
    level, rise, bend = curve((2 + 0.1 * steps + 0.01 * steps**2)[:, None])
    assert level[-1, 0] == pytest.approx(2 + 0.1 * 149 + 0.01 * 149**2, rel=0.01)
    assert rise[-1, 0] == pytest.approx(0.1 + 0.02 * 149, rel=0.01)
    assert bend[-1, 0] == pytest.approx(0.01, rel=0.03)


def test_regimes_are_found_and_sensors_told_in_their_scatter():
    regimes = Regimes.fit(RUNS, seed=0)
    assert len(regimes.centres) == 3
    assert regimes.used.tolist() == [0, 1, 2, 3]  # The fifth never moves.
    rows = np.concatenate([regimes.normalise(run) for run in RUNS])
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(rows.std(axis=0), 1, atol=1e-6)


def test_settings_without_clear_regimes_make_one():
    random = np.random.default_rng(1)
    runs = [Run("x", random.random((400, 2)), random.random((400, 3)))]
    assert len(Regimes.fit(runs, seed=0).centres) == 1
    bare = [Run("x", np.empty((400, 0)), random.random((400, 3)))]
    assert len(Regimes.fit(bare, seed=0).centres) == 1


def test_a_missing_value_stays_as_it_last_was():
    run = life(3)
    sensors = run.sensors.copy()
    sensors[0:2, 1] = sensors[50:53, 0] = np.nan
    rows = FEATURES.regimes.normalise(Run("x", run.settings, sensors))
    assert rows[0:2, 1].tolist() == [0, 0]
    assert (rows[50:53, 0] == rows[49, 0]).all()


def test_the_first_channel_is_the_wear_that_nobody_measures():
    histories = [FEATURES.regimes.normalise(run) for run in RUNS]
    channels = Channels.fit(histories, [run.remaining() for run in RUNS])
    for run, rows in zip(RUNS, histories, strict=True):
        wear = 3 * np.exp(-run.remaining() / 35)
        first = channels.apply(rows)[:, 0]
        assert abs(np.corrcoef(first, wear)[0, 1]) > 0.85


def test_a_direction_of_noise_alone_is_no_channel():
    histories = [FEATURES.regimes.normalise(run) for run in RUNS]
    assert FEATURES.channels.weights.shape[1] == 2  # One wear, and the health index.
    drift = [
        np.cumsum(np.random.default_rng(n).normal(0, 1, (len(rows), 1)), axis=0)
        for n, rows in enumerate(histories)
    ]
    wandering = [np.column_stack([rows, walk]) for rows, walk in zip(histories, drift, strict=True)]
    channels = Channels.fit(wandering, [run.remaining() for run in RUNS])
    assert channels.weights.shape[1] == 3
