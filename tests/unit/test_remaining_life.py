from dataclasses import replace

import numpy as np
import pytest
from wearing_fleet import fleet, life

from copilot_tools.errors import Failed
from copilot_tools.models.registry.skops_file import pack, unpack
from copilot_tools.models.remaining_life import TRUSTED, RemainingLife, Run
from copilot_tools.models.remaining_life.ensemble import Effort
from copilot_tools.models.remaining_life.intervals import Intervals

CAP = 100.0
LITTLE = Effort(networks=2, trees=60, rate=0.12)
UNSEEN = fleet(12, first=100)
PROGRESS: list[float] = []


@pytest.fixture(scope="module")
def model() -> RemainingLife:
    """Fitted on 12 whole lives and two that still go on."""
    alive = [replace(run.until(150), failed=False) for run in (life(50, 260), life(51, 300))]
    return RemainingLife.fit([*fleet(12), *alive], cap=CAP, progress=PROGRESS.append, effort=LITTLE)


def test_units_that_were_never_seen_are_told_their_end(model: RemainingLife):
    for left in (5, 15, 30):
        told = np.array([model.predict(run.until(len(run) - left)).median for run in UNSEEN])
        assert abs(np.mean(told - left)) < 8
        assert np.sqrt(np.mean((told - left) ** 2)) < 13


def test_the_interval_holds_most_ends_and_is_narrower_near_them(model: RemainingLife):
    cuts = [(run, left) for run in UNSEEN for left in range(2, 80, 6)]
    estimates = [model.predict(run.until(len(run) - left)) for run, left in cuts]
    held = [one.low <= left <= one.high for one, (_, left) in zip(estimates, cuts, strict=True)]
    assert 0.65 <= np.mean(held) <= 0.97
    assert all(one.low <= one.median <= one.high <= CAP for one in estimates)
    near, far = model.predict(UNSEEN[0].until(len(UNSEEN[0]) - 3)), estimates[8]
    assert near.high - near.low < far.high - far.low


def test_a_young_unit_has_more_left_than_can_be_told(model: RemainingLife):
    young = model.predict(life(7, 190).until(40))
    assert young.refusal is None
    assert young.capped
    assert young.high <= CAP
    assert young.chance(10) == 0
    assert young.chance(2 * CAP) < 1  # What lies beyond the cap is not known to come.


def test_the_chance_of_an_end_grows_with_the_horizon(model: RemainingLife):
    run = UNSEEN[1]
    estimate = model.predict(run.until(len(run) - 20))
    chances = [estimate.chance(horizon) for horizon in range(0, 130, 3)]
    assert chances == sorted(chances)
    assert chances[0] == 0
    assert chances[-1] >= 0.9
    assert estimate.chance(estimate.high) == pytest.approx(0.9, abs=0.06)


def test_the_sensors_that_wear_are_the_drivers(model: RemainingLife):
    run = UNSEEN[2]
    drivers = model.explain(run.until(len(run) - 10))
    assert {drivers[0].sensor, drivers[1].sensor} <= {0, 1, 3}
    assert drivers[0].cycles < -3
    assert 4 not in {driver.sensor for driver in drivers}  # It never moves.
    still = next(driver.cycles for driver in drivers if driver.sensor == 2)
    assert abs(still) < abs(drivers[0].cycles) / 3


def test_what_was_not_learnt_is_refused(model: RemainingLife):
    run = life(8, 150)
    elsewhere = replace(run, settings=run.settings + np.array([0.0, 900.0]))
    assert model.predict(run.until(9)).refusal == "too short"
    assert model.predict(elsewhere).refusal == "unseen regime"
    for wild in (run.sensors * 3, np.full_like(run.sensors, 1e300)):
        estimate = model.predict(replace(run, sensors=wild))
        assert estimate.refusal == "outside training"
        assert np.isnan([estimate.median, estimate.low, estimate.high, estimate.chance(9)]).all()


@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
def test_settings_that_are_missing_at_the_end_are_no_known_regime(
    model: RemainingLife, spoilt: float
):
    run = life(9, 140)
    settings = run.settings.copy()
    settings[-1] = spoilt
    assert model.predict(replace(run, settings=settings)).refusal == "unseen regime"


def test_a_gap_is_bridged_and_a_dead_sensor_is_not(model: RemainingLife):
    run = life(10, 150)
    gap, dead = run.sensors.copy(), run.sensors.copy()
    gap[100:105] = np.nan
    dead[100:, 0] = np.nan
    assert model.predict(replace(run, sensors=gap)).refusal is None
    assert model.predict(replace(run, sensors=dead)).refusal == "outside training"


def test_an_unknown_begin_is_answered_without_age(model: RemainingLife):
    run = UNSEEN[3].until(len(UNSEEN[3]) - 12)
    aged, ageless = model.predict(run), model.predict(replace(run, age_known=False))
    assert aged.median != ageless.median
    assert ageless.median == pytest.approx(12, abs=15)


def test_a_course_is_what_would_have_been_said_at_the_time(model: RemainingLife):
    run = UNSEEN[4]
    course = model.course(run)
    for cycles in (30, 77, len(run)):
        assert model.predict(run.until(cycles)).median == pytest.approx(course[cycles - 1])
    assert (course >= 0).all()
    assert (course <= CAP).all()


def test_a_model_comes_back_from_its_file_as_it_was(model: RemainingLife):
    content = pack(model.to_state())
    restored = RemainingLife.from_state(unpack(content, TRUSTED, "m"))
    run = UNSEEN[5].until(len(UNSEEN[5]) - 25)
    assert restored.predict(run).median == model.predict(run).median
    assert restored.predict(run).quantiles.tolist() == model.predict(run).quantiles.tolist()
    assert restored.explain(run) == model.explain(run)
    assert len(content) < 5e6


def test_progress_goes_from_nothing_to_all(model: RemainingLife):
    assert sorted(PROGRESS) == PROGRESS
    assert 0 < PROGRESS[0] < 0.2
    assert PROGRESS[-1] == 1.0


def test_runs_that_cannot_be_learnt_from_are_named():
    with pytest.raises(Failed, match="at least 5 runs to failure; given 4"):
        RemainingLife.fit([*fleet(4), replace(life(5), failed=False)])
    other = Run("x", np.zeros((50, 2)), np.zeros((50, 6)))
    with pytest.raises(Failed, match="same settings and sensors"):
        RemainingLife.fit([*fleet(5), other])
    with pytest.raises(Failed, match="run of x: 3 rows of settings and 4 of sensors"):
        Run("x", np.zeros((3, 2)), np.zeros((4, 6)))


def test_a_run_of_other_columns_is_not_judged(model: RemainingLife):
    with pytest.raises(Failed, match="run of x has 2 settings and 6 sensors"):
        model.predict(Run("x", np.zeros((50, 2)), np.zeros((50, 6))))


def test_a_band_holds_what_it_says_at_every_distance_and_follows_the_scale():
    random = np.random.default_rng(2)
    guesses = [np.sort(random.uniform(10, 90, 200)) for _ in range(60)]
    truths = [guess + random.normal(0, 0.1, 200) * guess for guess in guesses]
    bands = Intervals.fit(guesses[:40], truths[:40], 200.0)
    for near, far in ((20, 30), (75, 85)):
        low, high = bands.band(guess := np.concatenate(guesses[40:]))
        held = (low <= (truth := np.concatenate(truths[40:]))) & (truth <= high)
        assert held[(guess > near) & (guess < far)].mean() == pytest.approx(0.8, abs=0.06)
    wide = np.ptp(bands.band(np.array([50.0])), axis=0)
    half = Intervals.fit(guesses[:40], truths[:40], 200.0, scale=0.5)
    assert np.ptp(half.band(np.array([50.0])), axis=0) == pytest.approx(wide / 2, rel=0.01)
