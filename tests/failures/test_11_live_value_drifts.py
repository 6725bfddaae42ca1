"""11: the live value drifts between approval and execution."""

from executor_fixture import Floor

from copilot.approvals.states import State


def test_beyond_the_tolerance_it_is_refused_with_the_difference(floor: Floor) -> None:
    record = floor.ready()
    floor.plc.order(values={"M-1.speed_setpoint": 1003.0})
    floor.start()
    ended = floor.wait_for(record, State.POLICY_DENIED)
    assert "was 1000 rpm, is 1003 rpm" in ended.note
    assert floor.execution(record) is None
    assert floor.written() == []
    floor.check()


def test_within_the_tolerance_it_is_carried_out(floor: Floor) -> None:
    record = floor.ready()
    floor.plc.order(values={"M-1.speed_setpoint": 1000.4})
    floor.start()
    floor.wait_for(record, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()
