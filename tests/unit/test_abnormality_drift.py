import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from copilot_tools.models.abnormality.drift import score_drift, signal_drifts
from copilot_tools.models.abnormality.model_arrays import UNSEEN
from copilot_tools.models.abnormality.regimes import Regimes


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


def test_a_score_that_turns_higher_is_noticed_soon_after():
    random = np.random.default_rng(3)
    scores = np.concatenate([random.normal(0.8, 0.1, 600), random.normal(1.1, 0.1, 400)])
    place = score_drift(scores)
    assert place is not None
    assert 600 <= place < 750
    assert score_drift(scores[:600]) is None


def settings_of(*levels: float, each: int = 200, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.concatenate([random.normal(level, 1.0, (each, 1)) for level in levels])


def test_recipes_are_told_apart_and_one_never_seen_is_none_of_them():
    regimes = Regimes.fit(settings_of(100, 200, 350))
    assert regimes is not None
    found = regimes.assign(settings_of(100, 200, 350, each=20, seed=2)).reshape(3, 20)
    assert all(len(set(row.tolist())) == 1 for row in found)
    assert len(set(found[:, 0].tolist())) == 3
    assert set(regimes.assign(settings_of(270, 900)).tolist()) == {UNSEEN}
    assert regimes.assign(np.array([[np.nan]])).tolist() == [UNSEEN]


def test_a_speed_without_steps_is_one_regime():
    speed = np.random.default_rng(4).uniform(50, 70, (1000, 1))
    regimes = Regimes.fit(speed)
    assert regimes is not None
    assert set(regimes.assign(speed).tolist()) <= {0, UNSEEN} or len(regimes.centres) > 1
    assert (regimes.assign(speed) == UNSEEN).mean() < 0.01


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(1, 3), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_any_settings_are_assigned_or_unseen(count: int, width: int, seed: int, holes: float):
    random = np.random.default_rng(seed)
    rows = random.integers(0, 5, (count, width)).astype(float)
    rows[random.random(rows.shape) < holes] = np.nan
    regimes = Regimes.fit(rows)
    if regimes is None:
        assert not np.isfinite(rows).all(axis=1).any()
        return
    again = Regimes.from_state(regimes.to_state())
    assert again.assign(rows).tolist() == regimes.assign(rows).tolist()
    assert set(regimes.assign(rows).tolist()) <= {UNSEEN, *range(len(regimes.centres))}
