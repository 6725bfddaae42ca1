from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.demo.handshake import REMEMBERED, CommandBlock, Result

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Controller:
    """Keeps what was applied; takes 5 to 8, and nothing while it is not ready."""

    def __init__(self) -> None:
        self.applied: list[float] = []
        self.ready = True
        self.block = CommandBlock(self.apply, lambda: self.ready)

    def apply(self, value: float) -> None:
        if not 5.0 <= value <= 8.0:
            raise ValueError(value)
        self.applied.append(value)

    def command(self, id_: str, value: float, expires: datetime, now: datetime = NOW) -> Result:
        self.block.write("command_id", id_)
        self.block.write("value", value)
        self.block.write("expires_at", expires)
        self.block.write("strobe", True)
        self.block.scan(now)
        assert self.block.tags["strobe"] is False
        return Result(self.block.tags["result"])


LATER = NOW + timedelta(seconds=5)


def test_a_command_is_taken_once_and_echoed():
    plc = Controller()
    assert plc.command("a", 7.0, LATER) is Result.TAKEN
    assert plc.block.tags["echo_id"] == "a"
    assert plc.applied == [7.0]


def test_nothing_happens_without_a_strobe():
    plc = Controller()
    plc.block.write("command_id", "a")
    plc.block.write("value", 7.0)
    plc.block.write("expires_at", LATER)
    plc.block.scan(NOW)
    assert plc.applied == []
    assert plc.block.tags["result"] == Result.NONE


def test_a_repeated_id_is_ignored_also_after_others():
    plc = Controller()
    plc.command("a", 7.0, LATER)
    plc.command("b", 6.0, LATER)
    plc.command("a", 7.0, LATER)
    assert plc.applied == [7.0, 6.0]
    assert plc.block.tags["echo_id"] == "b"


def test_a_refused_id_is_not_taken_later():
    plc = Controller()
    plc.ready = False
    assert plc.command("a", 7.0, LATER) is Result.NOT_NOW
    plc.ready = True
    plc.command("a", 7.0, LATER)
    assert plc.applied == []


@pytest.mark.parametrize(
    ("value", "expires", "result"),
    [
        (7.0, NOW - timedelta(microseconds=1), Result.EXPIRED),
        (7.0, NOW, Result.TAKEN),
        (4.9, LATER, Result.OUT_OF_RANGE),
        (float("nan"), LATER, Result.OUT_OF_RANGE),
        (float("inf"), LATER, Result.OUT_OF_RANGE),
        (7.0, (NOW + timedelta(seconds=1)).replace(tzinfo=None), Result.TAKEN),
        (7.0, (NOW - timedelta(seconds=1)).replace(tzinfo=None), Result.EXPIRED),
    ],
)
def test_a_command_that_is_late_or_wild_is_refused(value: float, expires: datetime, result: Result):
    plc = Controller()
    assert plc.command("a", value, expires) is result
    assert plc.block.tags["echo_id"] == "a"
    assert plc.applied == ([7.0] if result is Result.TAKEN else [])


def test_a_strobe_without_an_id_does_nothing():
    plc = Controller()
    assert plc.command("", 7.0, LATER) is Result.NONE
    assert plc.applied == []


@given(st.lists(st.sampled_from("abcdef"), max_size=REMEMBERED))
def test_no_id_is_ever_taken_twice(ids: list[str]):
    plc = Controller()
    for id_ in ids:
        plc.command(id_, 7.0, LATER)
    assert len(plc.applied) == len(set(ids))
