"""2: the executor stands still until a proposal's time is up; then it must not send any more."""

import signal

import pytest
from executor_fixture import Floor, utc_now, wait_until

from copilot.approvals.states import State
from copilot.approvals.store import Record

TTL_S = 2.5


def _wait_until_expired(record: Record) -> None:
    wait_until(lambda: utc_now() >= record.proposal.expires)


@pytest.mark.parametrize("point", ["before claimed", "claimed", "before sent"])
def test_stopped_before_sending_it_sends_nothing_afterwards(floor: Floor, point: str) -> None:
    process = floor.start(COPILOT_STOP_AT=point)
    process.wait_until_ready()
    record = floor.ready(ttl_s=TTL_S)
    process.wait_until_stopped()
    _wait_until_expired(record)
    process.go_on()
    ended = floor.wait_for(record, State.FAILED)
    assert "nothing was sent" in ended.note
    assert floor.written() == []
    floor.check()


def test_stopped_while_idle_it_takes_nothing_whose_time_is_up(floor: Floor) -> None:
    process = floor.start()
    process.wait_until_ready()
    process.popen.send_signal(signal.SIGSTOP)
    process.wait_until_stopped()
    record = floor.ready(ttl_s=TTL_S)
    _wait_until_expired(record)
    process.go_on()
    floor.wait_for(record, State.EXPIRED)
    assert floor.execution(record) is None
    assert floor.written() == []
    floor.check()


def test_stopped_after_sending_it_still_puts_the_result_on_record(floor: Floor) -> None:
    process = floor.start(COPILOT_STOP_AT="sent")
    process.wait_until_ready()
    record = floor.ready(ttl_s=TTL_S)
    process.wait_until_stopped()
    _wait_until_expired(record)
    process.go_on()
    floor.wait_for(record, State.VERIFIED)
    assert floor.written() == [1050.0]
    floor.check()
