"""14: who approved loses the role, the area, the shift, the person or the account afterwards."""

from collections.abc import Callable

import pytest
from desk_fixture import Office
from sqlalchemy import update

from copilot import tables
from copilot.actor import Role
from copilot.approvals.states import State
from copilot.db import writing


def _other_holder(office: Office) -> None:
    accounts = tables.accounts
    with writing(office.engine) as connection:
        changed = update(accounts).where(accounts.c.name == "erna").values(person="somebody else")
        connection.execute(changed)


LOSSES: dict[str, Callable[[Office], None]] = {
    "role": lambda office: office.accounts.change_role("erna", Role.OPERATOR, by="root"),
    "area": lambda office: office.accounts.change_areas("erna", ["S"], by="root"),
    "shift": lambda office: office.accounts.change_shifts("erna", ["late"], by="root"),
    "account": lambda office: office.accounts.disable("erna", by="root"),
    "holder": _other_holder,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_an_approval_counts_only_while_it_could_be_given_again(office: Office, loss: str):
    record = office.approve(office.propose(), "erna")
    assert record.state is State.READY
    assert office.revalidate(record).allowed
    LOSSES[loss](office)
    decision = office.revalidate(record)
    assert not decision.allowed
    assert "0 of 1 needed approvals hold (" in decision.why()
    assert office.verify().ok


def test_the_shift_ends_while_the_approval_waits(office: Office):
    office.clock.advance(hours=3, minutes=40)  # twenty minutes before the early shift ends
    record = office.approve(office.propose(), "erna")
    assert office.revalidate(record).allowed
    office.clock.advance(minutes=25)
    decision = office.revalidate(record)
    assert "erna: Who approves has to be on shift" in decision.why()
    assert office.verify().ok


def test_one_of_two_approvals_lapses(office: Office):
    record = office.propose("M-1.pressure", 3.5)
    record = office.approve(office.approve(record, "sara"), "erna")
    assert office.revalidate(record).allowed
    office.accounts.disable("sara", by="root")
    assert "1 of 2 needed approvals hold" in office.revalidate(record).why()
    assert office.verify().ok


def test_a_confirmation_lapses_with_the_account(office: Office):
    record = office.confirm(office.acknowledge(), "olga")
    assert office.revalidate(record).allowed
    office.accounts.disable("olga", by="root")
    assert not office.revalidate(record).allowed
    assert office.verify().ok
