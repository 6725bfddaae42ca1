from hypothesis import given
from hypothesis import strategies as st

from copilot.llm.threads import choose_threads, current_threads


@given(st.integers(1, 256), st.floats(0, 512))
def test_there_is_always_one_thread_and_never_one_for_every_core(cores: int, load: float):
    threads = choose_threads(cores, load)
    assert 1 <= threads <= max(1, cores - 1)


def test_a_second_thread_needs_a_free_core_beside_it():
    assert choose_threads(2, 0.0) == 1
    assert choose_threads(4, 0.5) == 2
    assert choose_threads(4, 2.0) == 1
    assert choose_threads(16, 15.5) == 1


def test_this_machine_gets_some():
    assert current_threads() >= 1
