from datetime import UTC, datetime, timedelta

import pytest
from account_fixture import PASSWORD, SITE, audit_rows, cheap
from sqlalchemy import Engine, select

from copilot import tables
from copilot.accounts.accounts import Accounts
from copilot.accounts.sessions import AT_ONCE, Kind, Sessions
from copilot.actor import Role
from copilot_tools.errors import Denied

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Clock:
    """Time that a test lets pass."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **length: float) -> None:
        self.at += timedelta(**length)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(own_engine: Engine, clock: Clock) -> Accounts:
    accounts = Accounts(own_engine, SITE, clock, cheap())
    accounts.add("ana", Role.TECHNICIAN, ["S"], PASSWORD, by="os:root")
    accounts.add("bo", Role.OPERATOR, ["N"], PASSWORD, by="os:root")
    return accounts


@pytest.fixture
def sessions(own_engine: Engine, accounts: Accounts, clock: Clock) -> Sessions:
    return Sessions(own_engine, accounts, clock)


def is_open(sessions: Sessions, token: str) -> bool:
    return sessions.find(token) is not None


def test_a_session_is_its_holders(sessions: Sessions):
    session, actor = sessions.find(sessions.begin("ana", Kind.FULL, "Firefox")) or pytest.fail(
        "none"
    )
    assert (session.account, session.kind, session.device) == ("ana", Kind.FULL, "Firefox")
    assert (actor.name, actor.role, actor.authenticated) == ("ana", Role.TECHNICIAN, True)
    assert sessions.find("another token") is None
    assert sessions.find("") is None


@pytest.mark.parametrize("kind", [Kind.BADGE, Kind.CHANGE])
def test_only_a_full_sessions_holder_counts_as_authenticated(sessions: Sessions, kind: Kind):
    _, actor = sessions.find(sessions.begin("ana", kind, "kiosk")) or pytest.fail("none")
    assert not actor.authenticated


def test_the_database_holds_no_token(sessions: Sessions, own_engine: Engine):
    token = sessions.begin("ana", Kind.FULL, "Firefox")
    with own_engine.begin() as connection:
        stored = connection.execute(select(tables.sessions)).all()
    assert token not in repr(stored)
    assert token not in repr(audit_rows(own_engine))


def test_a_quiet_session_ends_and_a_used_one_goes_on(sessions: Sessions, clock: Clock):
    token = sessions.begin("ana", Kind.FULL, "Firefox")
    for _ in range(4):
        clock.advance(minutes=14)
        assert is_open(sessions, token)
    clock.advance(minutes=15)
    assert not is_open(sessions, token)


def test_a_badges_session_ends_sooner(sessions: Sessions, clock: Clock):
    badge, full = (sessions.begin("ana", kind, "kiosk") for kind in (Kind.BADGE, Kind.FULL))
    clock.advance(minutes=4, seconds=59)
    assert is_open(sessions, badge)
    clock.advance(minutes=5)
    assert (is_open(sessions, badge), is_open(sessions, full)) == (False, True)


def test_no_session_lasts_longer_than_a_shift(sessions: Sessions, clock: Clock):
    token = sessions.begin("ana", Kind.FULL, "Firefox")
    for _ in range(71):
        clock.advance(minutes=10)
        assert is_open(sessions, token)
    clock.advance(minutes=10)
    assert not is_open(sessions, token)


def test_what_goes_on_by_itself_keeps_no_session_awake(sessions: Sessions, clock: Clock):
    token = sessions.begin("ana", Kind.FULL, "Firefox")
    for _ in range(14):
        clock.advance(minutes=1)
        assert sessions.find(token, touch=False) is not None
    clock.advance(minutes=1)
    assert sessions.find(token, touch=False) is None


def test_a_session_that_is_ended_is_over_at_once(sessions: Sessions, own_engine: Engine):
    first, second = (sessions.begin("ana", Kind.FULL, "Firefox") for _ in range(2))
    session, _ = sessions.find(first) or pytest.fail("none")
    sessions.end(session.digest, "ana", "root")
    assert (is_open(sessions, first), is_open(sessions, second)) == (False, True)
    ended = audit_rows(own_engine)[-1]
    assert (ended["kind"], ended["actor"]) == ("session.ended", "root")
    assert ended["data"] == {"name": "ana", "sessions": 1}


def test_nobody_ends_the_session_of_somebody_else_in_ones_own_name(sessions: Sessions):
    token = sessions.begin("ana", Kind.FULL, "Firefox")
    session, _ = sessions.find(token) or pytest.fail("none")
    sessions.end(session.digest, "bo", "bo")
    assert is_open(sessions, token)


def test_all_sessions_end_but_the_one_that_is_kept(sessions: Sessions):
    kept, *others = (sessions.begin("ana", Kind.FULL, "Firefox") for _ in range(3))
    bos = sessions.begin("bo", Kind.FULL, "Firefox")
    session, _ = sessions.find(kept) or pytest.fail("none")
    sessions.end_all("ana", "ana", but=session.digest)
    assert [is_open(sessions, token) for token in (kept, *others, bos)] == [
        True,
        False,
        False,
        True,
    ]
    assert [found.digest for found in sessions.open("ana")] == [session.digest]
    assert {name: len(found) for name, found in sessions.open_of_all().items()} == {
        "ana": 1,
        "bo": 1,
    }


def test_a_closed_account_has_no_session_even_when_it_is_opened_again(
    sessions: Sessions, accounts: Accounts
):
    token = sessions.begin("ana", Kind.FULL, "Firefox")
    accounts.disable("ana", by="root")
    assert not is_open(sessions, token)
    with pytest.raises(Denied):
        sessions.begin("ana", Kind.FULL, "Firefox")
    accounts.enable("ana", by="root")
    assert not is_open(sessions, token)


def test_a_new_password_ends_every_session(sessions: Sessions, accounts: Accounts):
    token = sessions.begin("ana", Kind.BADGE, "kiosk")
    accounts.set_password("ana", "another long password", by="root")
    assert not is_open(sessions, token)


def test_a_role_taken_away_counts_at_once(sessions: Sessions, accounts: Accounts):
    token = sessions.begin("ana", Kind.FULL, "Firefox")
    accounts.change_role("ana", Role.OPERATOR, by="root")
    _, actor = sessions.find(token) or pytest.fail("none")
    assert actor.role is Role.OPERATOR


def test_one_session_too_many_ends_the_oldest(sessions: Sessions, clock: Clock):
    tokens = []
    for _ in range(AT_ONCE + 2):
        clock.advance(seconds=1)
        tokens.append(sessions.begin("ana", Kind.FULL, "Firefox"))
    assert [is_open(sessions, token) for token in tokens] == [False] * 2 + [True] * AT_ONCE


def test_sessions_of_long_ago_are_forgotten(sessions: Sessions, own_engine: Engine, clock: Clock):
    sessions.begin("ana", Kind.FULL, "Firefox")
    clock.advance(days=32)
    sessions.begin("bo", Kind.FULL, "Firefox")
    with own_engine.begin() as connection:
        assert [row.account for row in connection.execute(select(tables.sessions))] == ["bo"]
