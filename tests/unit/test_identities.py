from datetime import UTC, datetime

import pytest
from account_fixture import PASSWORD, SITE, audit_rows, cheap
from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts
from copilot.accounts.identities import Identities
from copilot.actor import Role
from copilot_tools.errors import Denied, Retry

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ISSUER = "https://id.mill.example"


@pytest.fixture
def accounts(own_engine: Engine) -> Accounts:
    accounts = Accounts(own_engine, SITE, lambda: NOW, cheap())
    accounts.add("ana", Role.OPERATOR, ["S"], PASSWORD, by="os:root")
    return accounts


@pytest.fixture
def identities(own_engine: Engine, accounts: Accounts) -> Identities:
    identities = Identities(own_engine, accounts, lambda: NOW)
    identities.link(ISSUER, "4711", "ana", by="root")
    return identities


def test_a_linked_subject_is_its_account(identities: Identities, own_engine: Engine):
    assert identities.find(ISSUER, "4711") == "ana"
    assert identities.enter(ISSUER, "4711") == "ana"
    assert [row["kind"] for row in audit_rows(own_engine)[-2:]] == [
        "identity.linked",
        "identity.entered",
    ]


@pytest.mark.parametrize(
    ("issuer", "subject"), [(ISSUER, "4712"), ("https://id.other.example", "4711"), (ISSUER, "")]
)
def test_whoever_is_not_linked_gets_in_nowhere(
    identities: Identities, own_engine: Engine, issuer: str, subject: str
):
    assert identities.find(issuer, subject) is None
    with pytest.raises(Denied, match=f"link '{subject}' to an account first"):
        identities.enter(issuer, subject)
    refused = audit_rows(own_engine)[-1]
    assert refused["kind"] == "identity.refused"
    assert refused["data"] == {"issuer": issuer, "subject": subject}


def test_a_closed_account_is_not_entered(identities: Identities, accounts: Accounts):
    accounts.disable("ana", by="root")
    with pytest.raises(Denied, match="disabled"):
        identities.enter(ISSUER, "4711")


def test_a_subject_is_one_account_until_it_is_unlinked(identities: Identities):
    with pytest.raises(Retry, match="linked already"):
        identities.link(ISSUER, "4711", "ana", by="root")
    with pytest.raises(Retry, match="no account"):
        identities.link(ISSUER, "4712", "nobody", by="root")
    with pytest.raises(Retry, match="printable"):
        identities.link(ISSUER, "", "ana", by="root")
    assert [identity.subject for identity in identities.list()] == ["4711"]
    identities.unlink(ISSUER, "4711", by="root")
    assert identities.find(ISSUER, "4711") is None
    with pytest.raises(Retry, match="not linked"):
        identities.unlink(ISSUER, "4711", by="root")
