from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot_tools.models.abnormality.baseline import WARM_UP, Baseline
from copilot_tools.models.abnormality.fleet import FleetScorer, State, Tick
from copilot_tools.models.abnormality.model_arrays import UNSEEN
from copilot_tools.models.abnormality.state_file import read_state, write_state


def course(count: int, seed: int, width: int = 4, level: float = 50.0) -> np.ndarray:
    """A machine whose signals all follow one load."""
    random = np.random.default_rng(seed)
    load = random.normal(0, 1, (count, 1))
    return level + load * np.arange(1, width + 1) + random.normal(0, 0.3, (count, width))


def learnt(seed: int = 1, width: int = 4, level: float = 50.0) -> Baseline:
    baseline = Baseline.fit(course(400, seed, width, level))
    assert baseline is not None
    return baseline


def play(fleet: FleetScorer, rows: np.ndarray, start: int = 0, regimes=None) -> list[Tick]:
    """Tick through rows (T x A x W), one a second."""
    return [fleet.tick(row, float(start + i), regimes) for i, row in enumerate(rows)]


def test_ticks_give_the_scores_of_the_whole_course_for_machines_of_any_width():
    widths = (4, 2, 3)
    baselines = [learnt(seed, width) for seed, width in enumerate(widths)]
    rows = np.full((200, 3, 4), np.nan)
    for machine, width in enumerate(widths):
        rows[:, machine, :width] = course(200, 10 + machine, width)
    fleet = FleetScorer([[baseline] for baseline in baselines])
    scores = np.array([tick.scores for tick in play(fleet, rows)])
    for machine, (width, baseline) in enumerate(zip(widths, baselines, strict=True)):
        expected = baseline.scores(rows[:, machine, :width])
        assert scores[:, machine] == pytest.approx(expected, nan_ok=True)


def test_an_episode_is_told_once_with_begin_and_end_and_names_the_signal():
    rows = course(300, 2)[:, None, :]
    rows[100:180, 0, 2] += 8.0
    fleet = FleetScorer([[learnt()]])
    ticks = play(fleet, rows[:150])
    (begun,) = (episode for tick in ticks for episode in tick.changed)
    assert begun.machine == 0
    assert begun.end is None
    assert 100 <= begun.begin <= 110
    first = fleet.explain(0)[0]
    assert first.signal == 2
    assert first.shift == pytest.approx(8.0, abs=1.5)
    assert sum(c.share for c in fleet.explain(0)) == pytest.approx(1.0)
    (ended,) = (e for tick in play(fleet, rows[150:], 150) for e in tick.changed)
    assert ended.begin == begun.begin
    assert 180 <= ended.end <= 230
    assert ended.peak > 2.4


def test_a_restart_goes_on_as_if_nothing_had_been(tmp_path: Path):
    rows = np.stack([course(260, 3), course(260, 4)], axis=1)
    rows[120:, 1, 0] += 10.0
    rows[100:, 0, 3] = np.nan
    rows[90:, 0, 1] = rows[90, 0, 1]
    baselines = [[learnt(1)], [learnt(2)]]
    whole = play(FleetScorer(baselines), rows)
    for stop in (10, 140, 200):
        before = FleetScorer(baselines)
        play(before, rows[:stop])
        write_state(tmp_path / "fleet.npz", before.snapshot())
        after = FleetScorer(baselines)
        state = read_state(tmp_path / "fleet.npz")
        assert state is not None
        after.restore(state)
        for expected, seen in zip(whole[stop:], play(after, rows[stop:], stop), strict=True):
            assert np.array_equal(expected.scores, seen.scores, equal_nan=True)
            assert np.array_equal(expected.states, seen.states)
            assert expected.changed == seen.changed
    assert [path.name for path in tmp_path.iterdir()] == ["fleet.npz"]


def test_the_state_of_another_fleet_is_refused():
    state = FleetScorer([[learnt()]]).snapshot()
    with pytest.raises(ValueError, match="another fleet"):
        FleetScorer([[learnt()], [learnt()]]).restore(state)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 5000))
def test_a_file_that_is_no_state_reads_as_none(tmp_path_factory, content: bytes, cut: int):
    path = tmp_path_factory.mktemp("state") / "fleet.npz"
    assert read_state(path) is None
    path.write_bytes(content)
    assert read_state(path) is None
    write_state(path, {"means": np.zeros((3, 4))})
    whole = path.read_bytes()
    path.write_bytes(whole[: min(cut, len(whole) - 30)])
    assert read_state(path) is None


def test_objects_in_a_state_file_are_never_brought_to_life(tmp_path: Path):
    np.savez(tmp_path / "fleet.npz", means=np.array([object()], dtype=object))
    assert read_state(tmp_path / "fleet.npz") is None


def test_a_signal_that_falls_silent_is_bridged_and_named():
    rows = course(300, 5)[:, None, :]
    rows[100:, 0, 1] = np.nan
    ticks = play(FleetScorer([[learnt()]]), rows)
    assert not ticks[105].missing.any()
    assert ticks[-1].missing.tolist() == [[False, True, False, False]]
    assert ticks[-1].states[0] == State.SCORED
    assert np.median([tick.scores[0] for tick in ticks[150:]]) < 1.2


def test_what_is_still_seen_is_still_judged():
    rows = course(300, 5)[:, None, :]
    rows[:, 0, 1] = np.nan
    rows[150:, 0, 3] += 9.0
    scores = [tick.scores[0] for tick in play(FleetScorer([[learnt()]]), rows)]
    assert np.median(scores[60:150]) < 1.2
    assert np.median(scores[200:]) > 2.4


def test_a_machine_of_which_most_is_silent_is_not_judged():
    rows = course(200, 6)[:, None, :]
    rows[100:, 0, :3] = np.nan
    ticks = play(FleetScorer([[learnt()]]), rows)
    assert ticks[90].states[0] == State.SCORED
    assert ticks[-1].states[0] == State.NOT_ENOUGH_DATA
    assert np.isnan(ticks[-1].scores[0])


def test_a_frozen_signal_is_left_out_and_named_not_alarmed():
    rows = course(400, 7)[:, None, :]
    rows[100:, 0, 2] = rows[100, 0, 2]
    ticks = play(FleetScorer([[learnt()]]), rows)
    assert ticks[-1].frozen.tolist() == [[False, False, True, False]]
    assert np.median([tick.scores[0] for tick in ticks[-100:]]) < 1.2


def test_a_signal_that_always_rests_is_not_frozen():
    rows = course(600, 8)
    rows[:, 1] = 7.0
    baseline = Baseline.fit(rows[:400])
    assert baseline is not None
    ticks = play(FleetScorer([[baseline]]), np.tile(rows[400:, None, :], (1, 1, 1)))
    assert not ticks[-1].frozen.any()


def test_each_regime_has_its_own_usual_and_an_unseen_one_is_said():
    fleet = FleetScorer([[learnt(1, level=50.0), learnt(2, level=90.0)]])
    low, high = course(100, 9)[:, None, :], course(100, 10, level=90.0)[:, None, :]
    first = play(fleet, low, 0, np.array([0]))
    second = play(fleet, high, 100, np.array([1]))
    assert first[-1].scores[0] < 1.5
    assert [tick.states[0] for tick in second[:WARM_UP]] == [State.WARMING_UP] * WARM_UP
    assert max(tick.scores[0] for tick in second[WARM_UP:]) < 2.4
    third = play(fleet, low * 3, 200, np.array([UNSEEN]))
    assert {int(tick.states[0]) for tick in third} == {State.UNSEEN_REGIME}
    assert not [episode for tick in first + second + third for episode in tick.changed]
    assert fleet.explain(0) == ()


def test_a_machine_without_baseline_is_never_judged():
    fleet = FleetScorer([[None], [learnt()]])
    ticks = play(fleet, np.stack([course(80, 11), course(80, 12)], axis=1))
    assert ticks[-1].states.tolist() == [State.UNSEEN_REGIME, State.SCORED]


def test_after_a_long_gap_a_machine_warms_up_anew():
    fleet = FleetScorer([[learnt()]])
    rows = course(120, 13)[:, None, :]
    play(fleet, rows[:60])
    assert fleet.tick(rows[60], 500.0, passed=440.0).states[0] == State.WARMING_UP
    assert play(fleet, rows[61:], 501)[-1].states[0] == State.SCORED


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 0.3))
def test_any_holes_and_wild_values_give_a_number_or_a_reason(seed: int, holes: float, wild: float):
    random = np.random.default_rng(seed)
    rows = np.stack([course(90, seed), course(90, seed + 1)], axis=1)
    rows[random.random(rows.shape) < holes] = np.nan
    rows[random.random(rows.shape) < wild] = np.inf
    rows[random.random(rows.shape) < wild] *= 1e12
    fleet = FleetScorer([[BASELINE], [BASELINE]])
    for place, row in enumerate(rows):
        regimes = random.integers(-1, 2, 2)
        tick = fleet.tick(row, float(place), regimes, float(random.choice([1, 1, 1, 5, 100])))
        assert np.array_equal(np.isfinite(tick.scores), tick.states == State.SCORED)


BASELINE = learnt()
