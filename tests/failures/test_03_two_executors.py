"""3: two executors want the same approved items; each is carried out once."""

from executor_fixture import Floor, wait_for_text

from copilot.approvals.states import State


def test_two_executors_carry_out_each_item_once(floor: Floor) -> None:
    records = [
        floor.ready(),
        floor.ready(45.0, 40.0, name="count"),
        floor.ready(5.0, 3.5, name="torque"),
    ]
    floor.start()
    floor.start()
    for record in records:
        floor.wait_for(record, State.VERIFIED)
    assert [len(floor.written(name)) for name in ("speed", "count", "torque")] == [1, 1, 1]
    tokens = {floor.execution(record).token for record in records}
    assert tokens == {1}
    floor.check()


def test_the_second_takes_over_when_the_first_is_killed(floor: Floor) -> None:
    first = floor.start()
    first.wait_until_ready()
    second = floor.start()
    first.kill()
    second.wait_until_ready()
    record = floor.ready()
    floor.wait_for(record, State.VERIFIED)
    assert floor.execution(record).token == 2
    assert floor.written() == [1050.0]
    floor.check()


def test_one_that_was_replaced_before_sending_sends_nothing(floor: Floor) -> None:
    first = floor.start(COPILOT_STOP_AT="before sent")
    first.wait_until_ready()
    record = floor.ready()
    first.wait_until_stopped()
    floor.start().wait_until_ready()
    assert floor.state(record) is State.FAILED
    first.go_on()
    wait_for_text(first, "another executor has taken over")
    assert floor.written() == []
    assert floor.state(record) is State.FAILED
    floor.check()


def test_one_that_was_replaced_after_sending_writes_no_result(floor: Floor) -> None:
    first = floor.start(COPILOT_STOP_AT="sent")
    first.wait_until_ready()
    record = floor.ready()
    first.wait_until_stopped()
    floor.start().wait_until_ready()
    found = floor.get(record)
    assert found.state is State.VERIFIED
    first.go_on()
    wait_for_text(first, "another executor has taken over")
    assert floor.get(record) == found
    assert floor.written() == [1050.0]
    floor.check()
