from datetime import UTC, datetime, timedelta

import pytest
from account_fixture import PASSWORD, SITE, audit_rows, cheap
from sqlalchemy import Engine

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.accounts.step_up import Meaning, StepUps
from copilot.actor import Role
from copilot_tools.errors import Denied

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HASH = "a" * 64


@pytest.fixture
def step_ups(own_engine: Engine) -> StepUps:
    accounts = Accounts(own_engine, SITE, lambda: NOW, cheap())
    for name in ("ana", "bo"):
        accounts.add(name, Role.SUPERVISOR, ["*"], PASSWORD, by="os:root")
    return StepUps(own_engine, accounts, lambda: NOW, valid_s=60)


def consume(
    engine: Engine,
    step_ups: StepUps,
    nonce: str,
    name: str = "ana",
    payload: str = HASH,
    meaning: Meaning = "approve",
    age: float = 0.0,
) -> None:
    at = NOW + timedelta(seconds=age)
    with db.writing(engine) as connection:
        step_ups.consume(connection, nonce, name, payload, meaning, at)


def test_a_fresh_password_is_good_for_one_decision(own_engine: Engine, step_ups: StepUps):
    nonce = step_ups.issue("ana", PASSWORD, HASH, "approve")
    consume(own_engine, step_ups, nonce, age=59)
    with pytest.raises(Denied, match="used before"):
        consume(own_engine, step_ups, nonce, age=59)
    kinds = [row["kind"] for row in audit_rows(own_engine)]
    assert kinds[2:] == ["step_up.issued", "step_up.used"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "bo"}, "password again"),
        ({"payload": "b" * 64}, "another form of this proposal"),
        ({"meaning": "reject"}, "another decision"),
        ({"age": 61.0}, "too long ago"),
        ({"age": -3600.0}, "too long ago"),
    ],
)
def test_it_is_good_for_nothing_else(own_engine: Engine, step_ups: StepUps, change, why: str):
    nonce = step_ups.issue("ana", PASSWORD, HASH, "approve")
    with pytest.raises(Denied, match=why):
        consume(own_engine, step_ups, nonce, **change)
    consume(own_engine, step_ups, nonce)


@pytest.mark.parametrize("nonce", ["", "x", "' OR '1'='1", "x" * 5000])
def test_an_invented_nonce_is_refused(own_engine: Engine, step_ups: StepUps, nonce: str):
    with pytest.raises(Denied):
        consume(own_engine, step_ups, nonce)


def test_a_decision_that_failed_leaves_the_nonce_unused(own_engine: Engine, step_ups: StepUps):
    nonce = step_ups.issue("ana", PASSWORD, HASH, "approve")
    with db.writing(own_engine) as connection:
        step_ups.consume(connection, nonce, "ana", HASH, "approve", NOW)
        connection.rollback()
    consume(own_engine, step_ups, nonce)


def test_a_wrong_password_gives_no_nonce(own_engine: Engine, step_ups: StepUps):
    with pytest.raises(Denied):
        step_ups.issue("ana", "wrong password", HASH, "approve")
    assert audit_rows(own_engine)[-1]["kind"] == "account.refused"


def test_a_nonce_that_was_refused_is_used_up(own_engine: Engine, step_ups: StepUps):
    nonce = step_ups.issue("ana", PASSWORD, HASH, "approve")
    for invented in ("", "x"):
        with db.writing(own_engine) as connection:
            step_ups.spend(connection, invented, NOW)
    with db.writing(own_engine) as connection:
        step_ups.spend(connection, nonce, NOW)
    with pytest.raises(Denied, match="used before"):
        consume(own_engine, step_ups, nonce)
    assert [row["kind"] for row in audit_rows(own_engine)][2:] == [
        "step_up.issued",
        "step_up.refused",
    ]
