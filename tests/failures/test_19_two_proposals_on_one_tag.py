"""19: two proposals on one tag: the second replaces the first or waits, never both."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from desk_fixture import Office
from sqlalchemy.exc import IntegrityError

from copilot.approvals import store
from copilot.approvals.states import OPEN, State
from copilot.approvals.store import Record
from copilot.db import writing
from copilot_tools.errors import Denied, Retry


def test_a_newer_wish_of_the_same_person_replaces_the_undecided_one(office: Office):
    first = office.propose(value=1050.0)
    second = office.propose(value=1100.0)
    assert (first.number, second.number) == (1, 2)
    assert office.state(first) is State.SUPERSEDED
    assert office.state(second) is State.PENDING
    assert office.verify().ok


def test_somebody_elses_is_named_and_stays(office: Office):
    first = office.propose(value=1050.0)
    with pytest.raises(Retry, match=r"#1 .* by olga is still open"):
        office.propose(value=1100.0, by="otto")
    assert office.state(first) is State.PENDING
    assert len(office.desk.list()) == 1
    assert office.verify().ok


@pytest.mark.parametrize("state", [State.APPROVED, State.READY, State.EXECUTING, State.UNKNOWN])
def test_what_others_have_agreed_to_is_not_replaced(office: Office, state: State):
    record = office.approve(office.propose("M-1.pressure", 3.5), "sara")
    if state is not State.APPROVED:
        record = office.approve(record, "emil")
    if state in (State.EXECUTING, State.UNKNOWN):
        with writing(office.engine) as connection:
            at = office.clock()
            record = store.move(connection, record, State.EXECUTING, "executor", at)
            if state is State.UNKNOWN:
                record = store.move(connection, record, State.UNKNOWN, "executor", at)
    assert record.state is state
    with pytest.raises(Retry, match=r"#1 .* is still open"):
        office.propose("M-1.pressure", 3.6)
    assert office.state(record) is state
    assert office.verify().ok


def test_one_whose_time_is_up_makes_room(office: Office):
    first = office.propose(value=1050.0)
    office.clock.advance(minutes=30)
    second = office.propose(value=1100.0, by="otto")
    assert office.state(first) is State.EXPIRED
    assert second.state is State.PENDING
    assert office.verify().ok


def test_the_database_itself_keeps_two_apart(office: Office):
    office.propose(value=1050.0)
    other = office.proposal("otto", office.change("M-1.speed", 1100.0))
    with pytest.raises(IntegrityError), writing(office.engine) as connection:
        store.add(connection, other, "k", 1, office.clock())
    assert len(office.desk.list()) == 1
    assert office.verify().ok


def test_a_race_leaves_one(office: Office):
    barrier = Barrier(8)

    def submit(turn: int) -> Record | None:
        barrier.wait()
        by = ("olga", "otto", "tina", "emil")[turn % 4]
        try:
            return office.propose(value=1010.0 + turn, by=by)
        except Retry:
            return None

    with ThreadPoolExecutor(8) as pool:
        stored = [record for record in pool.map(submit, range(8)) if record is not None]
    states = [office.state(record) for record in stored]
    assert sum(state in OPEN for state in states) == 1
    assert set(states) <= {State.PENDING, State.SUPERSEDED}
    assert office.verify().ok


def test_the_same_target_in_two_ways_is_one_target(office: Office):
    """Two proposals cannot be made ready side by side by approving both."""
    first = office.propose(value=1050.0)
    second = office.propose(value=1100.0)
    office.approve(second, "sara")
    with pytest.raises(Denied, match="superseded"):
        office.approve(first, "sara")
    assert len(office.desk.list((State.READY,))) == 1
