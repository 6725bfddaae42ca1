import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot_tools.models.abnormality.baseline import LEAST_ROWS, WARM_UP, Baseline
from copilot_tools.models.abnormality.smoothing import smooth

REFERENCE = 600


def machine(count: int, seed: int) -> np.ndarray:
    """Four signals of a machine: two follow its load, one is on its own, one drifts slowly."""
    random = np.random.default_rng(seed)
    load = random.normal(0, 1, count)
    return np.column_stack(
        [
            50 + 5 * load + random.normal(0, 0.5, count),
            3 + 0.4 * load + random.normal(0, 0.05, count),
            random.normal(230, 2, count),
            70 + 2 * np.sin(np.arange(count) / 90) + random.normal(0, 0.1, count),
        ]
    )


def fitted(seed: int = 1, **options: bool) -> Baseline:
    baseline = Baseline.fit(machine(REFERENCE, seed), **options)
    assert baseline is not None
    return baseline


@pytest.mark.parametrize("neighbours", [False, True])
def test_usual_rows_score_near_the_limit_and_shifted_ones_far_above(neighbours: bool):
    baseline = fitted(neighbours=neighbours)
    rows = machine(600, 2)
    rows[400:, 1] += 0.8
    scores = baseline.scores(rows)
    assert np.isnan(scores[:WARM_UP]).all()
    assert np.median(scores[WARM_UP:400]) < 1.0
    assert np.median(scores[430:]) > 2.4


def test_a_pair_that_parts_is_seen_though_each_stays_in_its_range():
    usual, rows = machine(REFERENCE, 1), machine(600, 3)
    rows[400:, 0], rows[400:, 1] = 57.0, 2.5
    assert usual[:, 0].max() > 57.0
    assert usual[:, 1].min() < 2.5
    assert np.median(fitted().scores(rows)[430:]) > 2.4


def test_a_score_knows_nothing_of_the_rows_after_it():
    rows = machine(500, 4)
    whole = fitted(neighbours=True).scores(rows)
    for stop in (WARM_UP + 1, 217, 499):
        part = fitted(neighbours=True).scores(rows[:stop])
        assert part == pytest.approx(whole[:stop], nan_ok=True)


def test_the_place_of_a_row_in_the_file_is_no_input():
    rows = np.tile(machine(REFERENCE, 1)[100:101], (300, 1))
    scores = fitted().scores(rows)[WARM_UP + 200 :]
    assert np.ptp(scores) < 0.05


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 300), st.integers(1, 4), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_any_length_and_any_gaps_give_a_baseline_or_none(
    count: int, width: int, seed: int, share: float
):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, width))
    rows[random.random(rows.shape) < share] = np.nan
    baseline = Baseline.fit(rows, neighbours=True)
    complete = np.isfinite(rows[WARM_UP:]).all(axis=1).sum() if count else 0
    assert (baseline is None) == (complete < LEAST_ROWS)
    if baseline is not None:
        scores = baseline.scores(rows)
        assert np.isfinite(scores[WARM_UP:]).all()
        assert (scores[WARM_UP:] >= 0).all()


def test_signals_that_never_move_do_no_harm():
    still = np.full((300, 3), 5.0)
    baseline = Baseline.fit(still, neighbours=True)
    assert baseline is not None
    assert np.nanmax(baseline.scores(still)) < 0.1


def test_a_baseline_comes_back_from_its_state():
    rows = machine(200, 5)
    for baseline in (fitted(), fitted(neighbours=True)):
        again = Baseline.from_state(baseline.to_state())
        assert again.scores(rows) == pytest.approx(baseline.scores(rows), nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_means_are_those_of_pandas(count: int, seed: int):
    import pandas as pd

    rows = np.random.default_rng(seed).normal(size=(count, 2))
    smoothed = smooth(rows)
    for place, half_life in enumerate((5, 10, 60)):
        expected = pd.DataFrame(rows).ewm(halflife=half_life, adjust=False).mean().to_numpy()
        assert pytest.approx(expected) == smoothed[place].T


def test_a_missing_value_holds_the_mean():
    rows = np.array([[1.0], [3.0], [np.nan], [np.nan], [3.0]])
    smoothed = smooth(rows)[0, 0]
    assert smoothed[1] == smoothed[2] == smoothed[3] < smoothed[4] < 3.0
