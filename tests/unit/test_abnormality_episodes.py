import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from copilot_tools.models.abnormality.allowance import restless_factor
from copilot_tools.models.abnormality.episodes import Rule, find_spells
from copilot_tools.models.abnormality.hysteresis import Episode, Hysteresis

RULE = Rule(factor=2.0, hysteresis=0.7, least=2)
SCORES = st.lists(st.sampled_from([0.5, 1.3, 1.4, 1.9, 2.0, 5.0, np.nan]), max_size=60)


def test_a_spell_needs_its_least_duration_and_ends_below_the_hysteresis():
    scores = np.array([0, 9, 0, 3, 3, 1.5, 1.5, 3, 1, 1.5, 1, 1, 3])
    assert find_spells(scores, RULE) == [(3, 10)]
    assert find_spells(np.array([3.0, 3, 3]), RULE) == [(0, 3)]
    assert find_spells(np.array([]), RULE) == []


@given(st.lists(SCORES, min_size=1, max_size=4), st.integers(1, 4))
def test_many_machines_at_once_have_the_spells_of_each_alone(courses: list[list[float]], least):
    rule = Rule(2.0, 0.7, least)
    length = min(map(len, courses))
    table = np.array([scores[:length] for scores in courses]).reshape(len(courses), length).T
    watch = Hysteresis.of(len(courses), rule)
    changed = [episode for time, row in enumerate(table) for episode in watch.step(row, time)]
    for machine, column in enumerate(table.T):
        times = np.flatnonzero(np.isfinite(column))
        expected = [
            (times[begin], times[end] if end < len(times) else None)
            for begin, end in find_spells(column[times], rule)
        ]
        told = {e.begin: e.end for e in changed if e.machine == machine}
        running = {e.begin for e in watch.running() if e.machine == machine}
        # A spell whose last low scores are the newest ends exactly there for both.
        assert list(told.items()) == [(b, e) for b, e in expected]
        assert running == {begin for begin, end in told.items() if end is None}


def test_the_peak_is_that_of_the_episode_alone():
    watch = Hysteresis.of(1, RULE)
    changed = []
    for time, score in enumerate((9.0, 0.1, 2.5, 2.6, 4.0, 0.1, 0.1)):
        changed += watch.step(np.array([score]), time)
    assert changed == [Episode(0, 2, None, 2.6), Episode(0, 2, 5, 4.0)]


def test_faults_on_the_fewer_days_leave_the_factor_and_restless_days_raise_it():
    random = np.random.default_rng(2)
    calm = [random.uniform(0.5, 1.0, 144) for _ in range(14)]
    faulty = [day + 2.0 for day in calm[:6]]
    assert restless_factor(calm + faulty, 1.5, 3) == 1.5
    restless = [day + 1.0 for day in calm]
    assert 2.0 < restless_factor(restless, 1.5, 3) < 2.4
    assert restless_factor(restless[:4], 1.5, 3) == 1.5
    assert restless_factor([day + 9.0 for day in calm], 1.5, 3) == 3.0


def test_a_lone_peak_is_nothing_a_machine_keeps_up():
    days = [np.where(np.arange(144) % 20 == 0, 9.0, 0.5) for _ in range(10)]
    assert restless_factor(days, 1.5, 3) == 1.5
    assert restless_factor([np.full(144, np.nan)] * 10, 1.5, 3) == 1.5
