from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.executor.clock import ALLOWED_S, Clock
from copilot_tools.errors import Unavailable

START = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # Central Europe sets its clocks back at 01:00


class Wall:
    """A wall clock that can be set, and a counter that cannot."""

    def __init__(self) -> None:
        self.counter = 100.0
        self.off = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: START + timedelta(seconds=self.counter + self.off), self.read)

    def read(self) -> float:
        return self.counter


@given(st.floats(-1e9, 1e9))
def test_a_jump_is_noticed_and_forgiven_when_it_is_undone(jump: float) -> None:
    wall = Wall()
    clock = wall.clock()
    wall.off = jump
    if abs(jump) > ALLOWED_S + 1e-3:
        with pytest.raises(Unavailable, match="jumped"):
            clock.now()
    wall.off = 0.0
    assert clock.now() == clock.read()


@given(st.lists(st.floats(0.0, 7200.0), max_size=30))
def test_time_that_passes_is_no_jump(steps: list[float]) -> None:
    wall = Wall()
    clock = wall.clock()
    for step in steps:
        wall.counter += step
        assert clock.now() == clock.read()


def test_a_time_server_may_correct_slowly_for_as_long_as_it_likes() -> None:
    wall = Wall()
    clock = wall.clock()
    for _ in range(1000):
        wall.counter += 90.0
        wall.off += 0.045
        clock.now()
    assert wall.off > ALLOWED_S


def test_a_jump_stays_noticed_however_long_it_lasts() -> None:
    wall = Wall()
    clock = wall.clock()
    wall.off = 3600.0
    for _ in range(10):
        wall.counter += 90.0
        with pytest.raises(Unavailable):
            clock.now()
