import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf as reference

from copilot_tools.models.abnormality.distance import ledoit_wolf
from copilot_tools.models.behaviour import Behaviour


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 400), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_shrunk_covariance_is_that_of_scikit_learn(count: int, width: int, seed: int):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, width)) @ random.normal(size=(width, width))
    assert ledoit_wolf(rows) == pytest.approx(reference(rows)[0], rel=1e-6, abs=1e-9)


def rows(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    load = random.uniform(40, 80, count)
    return np.column_stack(
        [
            load,
            0.02 * load**2 + random.normal(0, 1, count),
            100 - load + random.normal(0, 1, count),
        ]
    )


def test_usual_rows_score_low_and_shifted_ones_high():
    behaviour = Behaviour.fit(rows(2000, 1), operating=1)
    usual = behaviour.compare(rows(1000, 2))
    assert (usual.scores > 1).mean() < 0.03
    assert np.median(np.abs(usual.units[:, 1])) < 1.0
    shifted = rows(1000, 3)
    shifted[:, 2] += 8.0
    seen = behaviour.compare(shifted)
    assert np.median(seen.scores) > 1.5
    assert np.median(seen.units[:, 2]) == pytest.approx(8.0, abs=0.3)
    assert np.median(seen.shares[:, 2]) > 0.8


def test_an_old_fault_in_the_reference_does_not_become_usual():
    reference_rows = rows(2000, 1)
    reference_rows[:150, 2] += 15.0
    behaviour = Behaviour.fit(reference_rows, operating=1)
    seen = behaviour.compare(reference_rows[:150])
    assert np.median(seen.scores) > 1.5
    assert np.median(seen.units[:, 2]) == pytest.approx(15.0, abs=0.5)


def test_beyond_the_known_load_only_the_load_is_judged():
    behaviour = Behaviour.fit(rows(2000, 1), operating=1)
    far = rows(10, 4)
    far[:, 0] = 160.0
    seen = behaviour.compare(far)
    assert seen.unseen.all()
    assert (seen.units[:, 1:] == 0).all()


@pytest.mark.parametrize("operating", [0, 1, 3])
def test_signals_that_never_move_do_no_harm(operating: int):
    still = np.full((300, 3), 5.0)
    seen = Behaviour.fit(still, operating).compare(still)
    assert (seen.scores < 1e-3).all()
