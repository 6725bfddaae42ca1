from datetime import UTC, datetime, timedelta

import pytest
from account_fixture import audit_rows
from sqlalchemy import Engine, select

from copilot import tables
from copilot.accounts.service_tokens import ServiceTokens
from copilot_tools.errors import Retry

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Clock:
    """Days that a test lets pass."""

    def __init__(self) -> None:
        self.days = 0.0

    def __call__(self) -> datetime:
        return NOW + timedelta(days=self.days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(own_engine: Engine, clock: Clock) -> ServiceTokens:
    return ServiceTokens(own_engine, clock)


def test_a_token_reads_and_asks_in_its_own_name(tokens: ServiceTokens):
    actor = tokens.find(tokens.add("mes", 30, by="root")) or pytest.fail("none")
    assert actor.name == "token:mes"
    assert not actor.authenticated  # so it can neither propose nor approve
    assert actor.areas == ()


@pytest.mark.parametrize("secret", ["", "copilot_", "mes", "copilot_" + "x" * 43])
def test_nothing_else_is_a_token(tokens: ServiceTokens, secret: str):
    tokens.add("mes", 30, by="root")
    assert tokens.find(secret) is None


def test_a_token_ends_with_its_days_or_when_it_is_revoked(tokens: ServiceTokens, clock: Clock):
    first, second = tokens.add("mes", 30, by="root"), tokens.add("bi", 60, by="root")
    clock.days = 29.9
    assert tokens.find(first) is not None
    clock.days = 30
    assert tokens.find(first) is None
    tokens.revoke("bi", by="root")
    assert tokens.find(second) is None
    with pytest.raises(Retry, match="no token"):
        tokens.revoke("bi", by="root")
    assert {token.name: token.revoked for token in tokens.list()} == {"mes": False, "bi": True}


@pytest.mark.parametrize(
    ("name", "days"), [("", 1), ("MES", 1), ("m es", 1), ("mes", 0), ("mes", 367), ("m" * 61, 1)]
)
def test_a_token_has_a_name_and_an_end(tokens: ServiceTokens, name: str, days: int):
    with pytest.raises(Retry):
        tokens.add(name, days, by="root")


def test_a_name_is_one_token(tokens: ServiceTokens):
    tokens.add("mes", 30, by="root")
    with pytest.raises(Retry, match="already"):
        tokens.add("mes", 30, by="root")


def test_the_secret_is_nowhere(tokens: ServiceTokens, own_engine: Engine):
    secret = tokens.add("mes", 30, by="root")
    tokens.revoke("mes", by="root")
    with own_engine.begin() as connection:
        stored = repr(connection.execute(select(tables.service_tokens)).all())
    assert secret not in stored + repr(audit_rows(own_engine))
    assert [row["kind"] for row in audit_rows(own_engine)] == ["token.added", "token.revoked"]
