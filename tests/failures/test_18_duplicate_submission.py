"""18: the same proposal arrives twice, also at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from desk_fixture import Office

from copilot.approvals.states import State
from copilot.approvals.store import Record
from copilot_tools.errors import Denied


def test_the_same_key_files_once(office: Office):
    change = office.change("M-1.speed", 1050.0)
    first = office.file(change, key="turn-1:0")
    assert office.file(change, key="turn-1:0") == first
    other = office.change("P-2.speed", 950.0)
    assert office.file(other, by="olga", key="turn-1:0") == first
    assert len(office.audited("proposal.proposed")) == 1
    assert office.verify().ok


def test_the_same_key_answers_the_first_whatever_became_of_it(office: Office):
    first = office.file(office.change("M-1.speed", 1050.0), key="k")
    office.reject(first, "sara")
    again = office.file(office.change("M-1.speed", 1050.0), key="k")
    assert (again.number, again.state) == (first.number, State.REJECTED)


def test_a_key_of_somebody_else_tells_nothing(office: Office):
    office.file(office.change("M-1.speed", 1050.0), key="k")
    with pytest.raises(Denied, match="somebody else"):
        office.file(office.change("M-1.speed", 1050.0), by="otto", key="k")


def test_the_same_change_files_once_while_it_is_open(office: Office):
    first = office.propose()
    again = office.file(office.change("M-1.speed", 1050.0, reason="said again"))
    assert again.number == first.number
    office.approve(first, "sara")
    assert office.propose().number == first.number
    office.carry_out(office.desk.get(first.number), State.FAILED)
    assert office.propose().number == 2
    assert office.verify().ok


@pytest.mark.parametrize("same_key", [True, False])
def test_ten_at_once_file_one(office: Office, same_key: bool):
    change = office.change("M-1.speed", 1050.0)
    barrier = Barrier(10)

    def submit(turn: int) -> Record:
        barrier.wait()
        return office.file(change, key="k" if same_key else f"k{turn}")

    with ThreadPoolExecutor(10) as pool:
        records = list(pool.map(submit, range(10)))
    assert {record.number for record in records} == {1}
    assert len(office.desk.list()) == 1
    assert office.verify().ok


def test_the_same_id_under_another_key_is_refused(office: Office):
    """Nothing is stored twice, and nothing is left half done."""
    first = office.propose()
    other = replace(office.proposal("olga", office.change("P-2.speed", 950.0)))
    observed = office.seen(other.change.target)
    clash = replace(other, id=first.proposal.id, proposer="tina", person="tina")
    with pytest.raises(Exception, match="is there already"):
        office.desk.submit(office.actor("tina"), clash, "another", observed)
    assert [record.number for record in office.desk.list()] == [1]
    assert office.verify().ok
