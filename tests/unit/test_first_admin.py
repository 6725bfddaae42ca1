from datetime import UTC, datetime

import pytest
from account_fixture import PASSWORD, SITE, audit_rows, cheap
from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts
from copilot.accounts.first_admin import ensure_administrator
from copilot.accounts.sign_in import PasswordIsDue, SignIn
from copilot.actor import Role
from copilot_tools.errors import Denied, Retry

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture
def accounts(own_engine: Engine) -> Accounts:
    return Accounts(own_engine, SITE, lambda: NOW, cheap())


def test_the_first_start_makes_one_administrator(accounts: Accounts, own_engine: Engine):
    name, password = ensure_administrator(accounts) or pytest.fail("none")
    assert name == "admin"
    assert accounts.governed()
    assert ensure_administrator(accounts) is None
    assert password not in repr(audit_rows(own_engine))


def test_where_there_is_an_administrator_none_is_made(accounts: Accounts):
    accounts.add("root", Role.ADMIN, ["*"], PASSWORD, by="system")
    assert ensure_administrator(accounts) is None
    assert [account.name for account in accounts.list()] == ["root"]


def test_a_name_that_is_taken_is_left_alone(accounts: Accounts):
    accounts.add("admin", Role.OPERATOR, [], PASSWORD, by="system")
    name, _ = ensure_administrator(accounts) or pytest.fail("none")
    assert name == "admin-2"


def test_its_password_opens_only_the_choice_of_another_one(accounts: Accounts, own_engine: Engine):
    name, password = ensure_administrator(accounts) or pytest.fail("none")
    sign_in = SignIn(own_engine, accounts, lambda: NOW).sign_in
    with pytest.raises(PasswordIsDue, match="for once"):
        sign_in(name, password)
    with pytest.raises(Denied):
        accounts.change_password(name, "wrong password", PASSWORD)
    with pytest.raises(Retry, match="is the old one"):
        accounts.change_password(name, password, password)
    with pytest.raises(Retry, match="characters"):
        accounts.change_password(name, password, "short")
    assert accounts.password_is_due(name)
    accounts.change_password(name, password, PASSWORD)
    assert sign_in(name, PASSWORD).authenticated
    with pytest.raises(Denied, match="wrong"):
        sign_in(name, password)
