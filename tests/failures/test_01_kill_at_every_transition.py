"""1: the executor is killed at each of its transitions; it reads back and never sends twice."""

import pytest
from executor_fixture import Floor

from copilot.approvals.states import State

NOT_SENT = ("before sent", "claimed")
SENT = ("sent", "before read back", "read back", "before finished")


def _killed_at(floor: Floor, point: str) -> None:
    process = floor.start(COPILOT_CRASH_AT=point)
    process.wait_until_ready()
    assert process.wait() == -9


def test_an_executor_that_lives_carries_out_once(floor: Floor) -> None:
    record = floor.ready()
    floor.start().wait_until_ready()
    ended = floor.wait_for(record, State.VERIFIED)
    assert floor.written() == [1050.0]
    assert floor.execution(record).result["sent"]["outcome"] == "good"
    assert [step["status"] for step in floor.execution(record).result["stages"]] == ["passed"] * 5
    assert "1050" in ended.note
    floor.check()


def test_killed_before_the_intent_is_on_record_it_is_carried_out_by_the_next(floor: Floor) -> None:
    record = floor.ready()
    _killed_at(floor, "before claimed")
    assert floor.state(record) is State.READY
    floor.start().wait_until_ready()
    floor.wait_for(record, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()


@pytest.mark.parametrize("point", NOT_SENT)
def test_killed_before_sending_it_is_never_sent(floor: Floor, point: str) -> None:
    record = floor.ready()
    _killed_at(floor, point)
    assert floor.state(record) is State.EXECUTING
    floor.start().wait_until_ready()
    ended = floor.wait_for(record, State.FAILED)
    assert "after an interruption" in ended.note
    assert floor.written() == []
    floor.check()


@pytest.mark.parametrize("point", SENT)
def test_killed_after_sending_it_is_found_by_reading_back(floor: Floor, point: str) -> None:
    record = floor.ready()
    _killed_at(floor, point)
    assert floor.state(record) is State.EXECUTING
    floor.start().wait_until_ready()
    ended = floor.wait_for(record, State.VERIFIED)
    assert "found by reading back after an interruption" in ended.note
    assert "executor.recovered" in floor.kinds(record)
    assert floor.written() == [1050.0]
    floor.check()


def test_killed_after_the_end_nothing_is_left_to_do(floor: Floor) -> None:
    record = floor.ready()
    _killed_at(floor, "finished")
    assert floor.state(record) is State.VERIFIED
    floor.start().wait_until_ready()
    assert floor.state(record) is State.VERIFIED
    assert floor.written() == [1050.0]
    floor.check()


def test_killed_again_while_finding_out_it_is_still_found_once(floor: Floor) -> None:
    record = floor.ready()
    _killed_at(floor, "sent")
    process = floor.start(COPILOT_CRASH_AT="before finished")
    assert process.wait() == -9
    floor.start().wait_until_ready()
    floor.wait_for(record, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()
