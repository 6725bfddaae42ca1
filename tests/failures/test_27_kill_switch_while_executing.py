"""27: the kill switch while a change is being carried out: read back to the end, nothing new."""

from executor_fixture import Floor

from copilot.approvals.states import State


def _stop(floor: Floor) -> None:
    assert "stopped" in floor.command("stop", "--by", "boss", "--reason", "smoke in the hall")


def test_a_change_in_flight_is_read_back_and_nothing_is_started(floor: Floor) -> None:
    process = floor.start(COPILOT_STOP_AT="sent")
    process.wait_until_ready()
    first = floor.ready()
    process.wait_until_stopped()
    second = floor.ready(45.0, 40.0, name="count")
    _stop(floor)
    process.go_on()
    floor.wait_for(first, State.VERIFIED)
    process.tell_to_stop()
    assert process.wait() == 0
    assert floor.state(second) is State.READY
    assert floor.written("count") == []
    assert "STOPPED by boss" in floor.command("status")

    floor.command("release", "--by", "boss", "--reason", "a false alarm")
    floor.start()
    floor.wait_for(second, State.VERIFIED)
    assert [floor.written(), floor.written("count")] == [[1050.0], [45]]
    floor.check()


def test_a_claimed_change_is_not_sent_any_more(floor: Floor) -> None:
    process = floor.start(COPILOT_STOP_AT="before sent")
    process.wait_until_ready()
    record = floor.ready()
    process.wait_until_stopped()
    _stop(floor)
    process.go_on()
    ended = floor.wait_for(record, State.FAILED)
    assert ended.note == "nothing was sent: stopped by boss: smoke in the hall"
    assert floor.written() == []
    floor.check()


def test_told_to_end_it_finishes_the_change_in_flight_and_starts_nothing(floor: Floor) -> None:
    process = floor.start(COPILOT_STOP_AT="sent")
    process.wait_until_ready()
    first = floor.ready()
    process.wait_until_stopped()
    second = floor.ready(45.0, 40.0, name="count")
    process.tell_to_stop()
    process.go_on()
    assert process.wait() == 0
    assert floor.state(first) is State.VERIFIED
    assert floor.state(second) is State.READY
    assert [floor.written(), floor.written("count")] == [[1050.0], []]
    floor.check()
