from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from account_fixture import PASSWORD, SITE, audit_rows, cheap
from sqlalchemy import Engine, select

from copilot import db, tables
from copilot.accounts.accounts import WRONG, Accounts
from copilot.accounts.back_off import LONGEST_S
from copilot.accounts.sign_in import SignIn
from copilot.actor import Role
from copilot_tools.errors import Denied

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(own_engine: Engine, clock: Clock) -> Accounts:
    accounts = Accounts(own_engine, SITE, clock, cheap())
    accounts.add("ana", Role.TECHNICIAN, ["S"], PASSWORD, by="os:root")
    return accounts


@pytest.fixture
def sign_in(own_engine: Engine, accounts: Accounts, clock: Clock):
    return SignIn(own_engine, accounts, clock).sign_in


def refusal(sign_in, name: str, password: str) -> str:
    with pytest.raises(Denied) as refused:
        sign_in(name, password)
    return str(refused.value)


def test_the_right_password_makes_an_authenticated_actor(sign_in, own_engine: Engine):
    actor = sign_in("ana", PASSWORD)
    assert actor.authenticated
    assert (actor.name, actor.role, actor.areas) == ("ana", Role.TECHNICIAN, ("S",))
    assert audit_rows(own_engine)[-1]["kind"] == "account.signed_in"


@pytest.mark.parametrize("name", ["bo", "", "ana' OR 1=1", "ana\x00", "\udcff", "x" * 1000])
def test_an_unknown_name_is_refused_in_the_same_words(
    sign_in, own_engine: Engine, accounts: Accounts, name: str
):
    assert refusal(sign_in, name, PASSWORD) == refusal(sign_in, "ana", "wrong password") == WRONG
    accounts.disable("ana", by="bo")
    assert refusal(sign_in, "ana", PASSWORD) == WRONG


def test_refusals_are_on_record_but_not_what_was_typed(sign_in, own_engine: Engine):
    refusal(sign_in, "ana", "wrong password")
    refusal(sign_in, "a-password-in-the-wrong-field", "x")
    known, unknown = audit_rows(own_engine)[-2:]
    assert (known["kind"], known["actor"]) == ("account.refused", "ana")
    assert (unknown["kind"], unknown["actor"]) == ("account.refused", "system")
    assert "wrong" not in repr((known, unknown))


def test_wrong_passwords_make_one_wait_longer_each_time_but_never_for_good(sign_in, clock: Clock):
    for _ in range(4):
        assert refusal(sign_in, "ana", "wrong password") == WRONG
    waits = []
    for _ in range(8):
        said = refusal(sign_in, "ana", PASSWORD)
        assert said.startswith("too many wrong passwords; try again in ")
        waits.append(int(said.split()[-2]))
        clock.seconds += waits[-1]
        assert refusal(sign_in, "ana", "wrong password") == WRONG
    assert waits == sorted(waits)
    assert waits[0] == 1
    assert waits[-1] == LONGEST_S
    clock.seconds += LONGEST_S
    assert sign_in("ana", PASSWORD).authenticated
    assert refusal(sign_in, "ana", "wrong password") == WRONG
    assert sign_in("ana", PASSWORD).authenticated


def test_unknown_names_wait_as_known_ones_do(sign_in):
    for name in ("ana", "nobody"):
        for _ in range(4):
            refusal(sign_in, name, "wrong password")
    assert refusal(sign_in, "ana", "x") == refusal(sign_in, "nobody", "x") != WRONG


def test_one_mans_wrong_passwords_do_not_keep_another_waiting(sign_in, accounts: Accounts):
    accounts.add("bo", Role.OPERATOR, [], PASSWORD, by="os:root")
    for _ in range(6):
        refusal(sign_in, "ana", "wrong password")
    assert sign_in("bo", PASSWORD).authenticated


def test_every_process_waits_for_the_wrong_passwords_of_the_others(own_engine: Engine, accounts):
    """Each try in a process of its own, all of them at one moment."""
    said = []
    for turn in range(8):
        another = Accounts(own_engine, SITE, lambda: NOW, cheap())
        with pytest.raises(Denied) as refused:
            another.authenticate("ana", f"wrong password {turn}")
        said.append(str(refused.value))
    assert said == [WRONG] * 4 + ["too many wrong passwords; try again in 1 s"] * 4


def test_tries_at_the_same_time_are_counted_before_they_are_looked_at(
    own_engine: Engine, accounts: Accounts
):
    def attempt(turn: int) -> str:
        with pytest.raises(Denied) as refused:
            accounts.authenticate("ana", f"wrong password {turn}")
        return str(refused.value)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(attempt, range(8))).count(WRONG) == 4


def test_wrong_passwords_are_forgotten_and_no_clock_locks_anybody_out(sign_in, clock: Clock):
    for _ in range(4):
        refusal(sign_in, "ana", "wrong password")
    clock.seconds += 3600
    for _ in range(4):
        assert refusal(sign_in, "ana", "wrong password") == WRONG
    assert refusal(sign_in, "ana", PASSWORD) != WRONG
    clock.seconds -= 1  # a time server may; the audit log takes a second or two
    assert sign_in("ana", PASSWORD).authenticated


def test_an_unknown_name_leaves_nothing_to_guess_it_from(sign_in, own_engine: Engine):
    refusal(sign_in, "a-password-in-the-wrong-field", "x")
    with db.reading(own_engine) as connection:
        (row,) = connection.execute(select(tables.wrong_passwords)).all()
    assert len(row.key) == 4
