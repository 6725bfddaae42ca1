"""12: lock-out, machine state or alarms change after the approval."""

from typing import Any

import pytest
from executor_fixture import Floor, utc_now

from copilot.approvals import breaker
from copilot.approvals.states import State
from copilot.db import reading
from copilot.settings import ChangeSettings

CHANGES = [
    ({"M-1.lockout": True}, "lock-out was off, is on"),
    ({"M-1.state": "stopped"}, "state was running, is stopped"),
    ({"M-1.hot.ActiveState.Id": False}, "active alarms: shown HOT-1, now none"),
]


@pytest.mark.parametrize(("values", "difference"), CHANGES)
def test_a_plant_that_changed_is_not_written_to(
    floor: Floor, values: dict[str, Any], difference: str
) -> None:
    record = floor.ready()
    floor.plc.order(values=values)
    floor.start()
    ended = floor.wait_for(record, State.POLICY_DENIED)
    assert difference in ended.note
    assert floor.execution(record) is None
    with reading(floor.engine) as connection:
        refused = breaker.refusals(connection, "olga", utc_now(), ChangeSettings())
    assert refused == 1
    assert floor.written() == []
    floor.check()
