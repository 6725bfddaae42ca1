from datetime import UTC, datetime, timedelta

import pytest
from account_fixture import PASSWORD, SITE, audit_rows, cheap
from sqlalchemy import Engine, select

from copilot import tables
from copilot.accounts.accounts import Accounts
from copilot.accounts.back_off import FREE_OF_ADDRESS, LONGEST_S
from copilot.accounts.badges import WRONG, Badges
from copilot.accounts.sessions import Kind, Sessions
from copilot.actor import Role
from copilot_tools.errors import Denied, Retry

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
BADGE, PIN = "04A2F3114C", "482915"


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
    for name in ("ana", "bo"):
        accounts.add(name, Role.OPERATOR, ["S"], PASSWORD, by="os:root")
    return accounts


@pytest.fixture
def badges(own_engine: Engine, accounts: Accounts, clock: Clock) -> Badges:
    badges = Badges(own_engine, accounts, clock)
    badges.set("ana", BADGE, PIN, by="root")
    return badges


def refusal(badges: Badges, badge: str, pin: str, address: str = "") -> str:
    with pytest.raises(Denied) as refused:
        badges.enter(badge, pin, address)
    return str(refused.value)


def test_a_badge_and_its_pin_name_its_account(badges: Badges, own_engine: Engine):
    assert badges.enter(BADGE, PIN) == "ana"
    assert badges.enter(f"  {BADGE}\r\n", PIN) == "ana"  # as readers type it
    assert audit_rows(own_engine)[-1]["kind"] == "badge.entered"


@pytest.mark.parametrize(
    ("badge", "pin"),
    [(BADGE, "482916"), ("another", PIN), ("", ""), (BADGE, ""), (BADGE, "９" * 6)],
)
def test_anything_else_is_refused_in_the_same_words(badges: Badges, badge: str, pin: str):
    assert refusal(badges, badge, pin) == WRONG


def test_neither_badge_nor_pin_are_kept(badges: Badges, own_engine: Engine):
    refusal(badges, BADGE, "482916")
    refusal(badges, "another", PIN)
    with own_engine.begin() as connection:
        stored = repr(connection.execute(select(tables.badges)).all())
    for secret in (BADGE, PIN, "482916", "another"):
        assert secret not in stored
        assert secret not in repr(audit_rows(own_engine))


@pytest.mark.parametrize("pin", ["12345", "1234567890123", "48291x", "111111", "123456", "987654"])
def test_a_pin_that_anybody_would_try_is_none(badges: Badges, pin: str):
    with pytest.raises(Retry):
        badges.set("bo", "another", pin, by="root")


@pytest.mark.parametrize("badge", ["abc", "x" * 121, "ab\x00cd"])
def test_a_badge_is_what_a_reader_can_type(badges: Badges, badge: str):
    with pytest.raises(Retry):
        badges.set("bo", badge, PIN, by="root")


def test_a_badge_is_one_accounts(badges: Badges):
    with pytest.raises(Retry, match="somebody else"):
        badges.set("bo", BADGE, "628311", by="root")
    with pytest.raises(Retry, match="no account"):
        badges.set("nobody", "another", PIN, by="root")
    badges.set("ana", "another", "628311", by="root")
    assert refusal(badges, BADGE, PIN) == WRONG
    assert badges.enter("another", "628311") == "ana"
    assert [badge.account for badge in badges.list()] == ["ana"]


def test_a_badge_that_is_taken_away_ends_what_it_opened(
    badges: Badges, own_engine: Engine, accounts: Accounts, clock: Clock
):
    sessions = Sessions(own_engine, accounts, clock)
    opened, full = (sessions.begin("ana", kind, "kiosk") for kind in (Kind.BADGE, Kind.FULL))
    badges.remove("ana", by="root")
    assert sessions.find(opened) is None
    assert sessions.find(full) is not None
    assert refusal(badges, BADGE, PIN) == WRONG
    with pytest.raises(Retry):
        badges.remove("ana", by="root")


def test_a_closed_accounts_badge_opens_nothing(badges: Badges, accounts: Accounts):
    accounts.disable("ana", by="root")
    assert refusal(badges, BADGE, PIN) == WRONG


def test_an_account_whose_password_is_due_comes_in_by_no_badge(badges: Badges, accounts: Accounts):
    accounts.add("new", Role.OPERATOR, [], PASSWORD, by="root", must_change=True)
    badges.set("new", "badge of new", PIN, by="root")
    assert refusal(badges, "badge of new", PIN) == WRONG
    accounts.change_password("new", PASSWORD, "another long password")
    assert badges.enter("badge of new", PIN) == "new"


def test_wrong_pins_make_one_wait_but_never_for_good(badges: Badges, clock: Clock):
    for _ in range(4):
        assert refusal(badges, BADGE, "482916") == WRONG
    assert refusal(badges, BADGE, PIN) == "too many wrong PINs; try again in 1 s"
    clock.seconds += LONGEST_S
    assert badges.enter(BADGE, PIN) == "ana"


def test_a_terminal_where_many_badges_are_tried_has_to_wait_too(badges: Badges, clock: Clock):
    for turn in range(FREE_OF_ADDRESS + 1):
        assert refusal(badges, f"badge {turn}", PIN, "10.0.0.7") == WRONG
    assert refusal(badges, BADGE, PIN, "10.0.0.7").startswith("too many")
    assert badges.enter(BADGE, PIN, "10.0.0.8") == "ana"
    clock.seconds += LONGEST_S
    assert badges.enter(BADGE, PIN, "10.0.0.7") == "ana"
