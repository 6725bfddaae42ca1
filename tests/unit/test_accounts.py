import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from account_fixture import PASSWORD, SITE, audit_rows, cheap
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from copilot import db, tables
from copilot.accounts.accounts import Accounts
from copilot.accounts.passwords import Passwords
from copilot.actor import Role
from copilot.cli.user import users
from copilot_tools.errors import Denied, Retry, ToolError

EARLY = datetime(2026, 11, 21, 9, tzinfo=UTC)  # 10:00 in the plant
LATE = datetime(2026, 11, 21, 15, tzinfo=UTC)


@pytest.fixture
def accounts(own_engine: Engine) -> Accounts:
    return Accounts(own_engine, SITE, lambda: EARLY, cheap())


def test_an_account_is_what_it_was_made_with(accounts: Accounts, own_engine: Engine):
    accounts.add("ana", Role.OPERATOR, ["N"], PASSWORD, by="os:root", shifts=["early"])
    second = accounts.add("ana.b", Role.OPERATOR, ["N"], PASSWORD, by="os:root", person="ana")
    assert second.person == "ana"
    with db.reading(own_engine) as connection:
        early = accounts.load(connection, "ana", EARLY)
        late = accounts.load(connection, "ana", LATE)
    assert (early.role, early.person, early.areas) == (Role.OPERATOR, "ana", ("N",))
    assert (early.on_shift, late.on_shift) == (True, False)
    assert not early.authenticated


@pytest.mark.parametrize("person", ["Ana", "ana ", "an\u0430", "bo", "x" * 81, "ana.b"])
def test_nobody_becomes_two_persons_by_a_second_spelling(accounts: Accounts, person: str):
    accounts.add("ana", Role.OPERATOR, [], PASSWORD, by="os:root")
    with pytest.raises(Retry, match="nobody here is called"):
        accounts.add("ana.second", Role.SUPERVISOR, [], PASSWORD, by="os:root", person=person)
    assert [account.name for account in accounts.list()] == ["ana"]


def test_someone_without_shifts_is_always_on_shift(accounts: Accounts, own_engine: Engine):
    actor = accounts.add("ana", Role.OPERATOR, ["*"], PASSWORD, by="os:root")
    assert actor.on_shift
    assert actor.person == "ana"


@pytest.mark.parametrize(
    "name", ["", "Ana", "an a", "ana\n", ".ana", "a" * 81, "executor", "policy", "system", "agent"]
)
def test_names_that_cannot_be_accounts(accounts: Accounts, name: str):
    with pytest.raises(Retry):
        accounts.add(name, Role.OPERATOR, [], PASSWORD, by="os:root")
    assert accounts.list() == ()


def test_areas_and_shifts_must_exist(accounts: Accounts):
    with pytest.raises(Retry, match="no area 'X'"):
        accounts.add("ana", Role.OPERATOR, ["X"], PASSWORD, by="os:root")
    with pytest.raises(Retry, match="no shift 'night'"):
        accounts.add("ana", Role.OPERATOR, [], PASSWORD, by="os:root", shifts=["night"])


def test_a_name_is_given_once(accounts: Accounts, own_engine: Engine):
    accounts.add("ana", Role.OPERATOR, [], PASSWORD, by="os:root")
    with pytest.raises(Retry, match="already"):
        accounts.add("ana", Role.ADMIN, [], PASSWORD, by="os:root")
    assert [account.role for account in accounts.list()] == [Role.OPERATOR]
    assert len(audit_rows(own_engine)) == 1


def test_a_disabled_account_is_no_actor_until_it_is_enabled(accounts: Accounts, own_engine: Engine):
    accounts.add("ana", Role.OPERATOR, [], PASSWORD, by="os:root")
    accounts.disable("ana", by="bo")
    with pytest.raises(Denied, match="disabled"), db.reading(own_engine) as connection:
        accounts.load(connection, "ana", EARLY)
    accounts.enable("ana", by="bo")
    with db.reading(own_engine) as connection:
        assert accounts.load(connection, "ana", EARLY).name == "ana"


def test_every_change_is_on_record_with_who_did_it_and_never_a_password(
    accounts: Accounts, own_engine: Engine
):
    accounts.add("ana", Role.OPERATOR, ["N"], PASSWORD, by="os:root")
    accounts.change_role("ana", Role.SUPERVISOR, by="bo")
    accounts.change_areas("ana", ["N", "S"], by="bo")
    accounts.change_shifts("ana", ["late"], by="bo")
    accounts.set_password("ana", "another password", by="bo")
    accounts.disable("ana", by="bo")
    rows = audit_rows(own_engine)
    assert [row["kind"] for row in rows] == [
        "account.added",
        "account.role",
        "account.areas",
        "account.shifts",
        "account.password",
        "account.disabled",
    ]
    assert [row["actor"] for row in rows] == ["os:root"] + ["bo"] * 5
    assert rows[1]["data"] == {
        "name": "ana",
        "before": {"role": "operator"},
        "after": {"role": "supervisor"},
    }
    text = repr(rows)
    assert "password_hash" not in text
    assert "another password" not in text
    assert "argon2" not in text


def test_a_change_of_nobody_is_refused(accounts: Accounts, own_engine: Engine):
    with pytest.raises(Retry, match="no account 'ana'"):
        accounts.disable("ana", by="bo")
    assert audit_rows(own_engine) == []


def test_the_last_administrator_stays(accounts: Accounts):
    accounts.add("root", Role.ADMIN, [], PASSWORD, by="os:root")
    for take_away in (
        lambda: accounts.disable("root", by="root"),
        lambda: accounts.change_role("root", Role.OPERATOR, by="root"),
    ):
        with pytest.raises(Denied, match="last administrator"):
            take_away()
    accounts.add("second", Role.ADMIN, [], PASSWORD, by="os:root")
    accounts.disable("root", by="second")
    with pytest.raises(Denied, match="last administrator"):
        accounts.change_role("second", Role.OPERATOR, by="second")


def test_two_administrators_cannot_disable_each_other_at_the_same_time(
    accounts: Accounts, own_engine: Engine
):
    for name in ("one", "two"):
        accounts.add(name, Role.ADMIN, [], PASSWORD, by="os:root")
    both = threading.Barrier(2)

    def disable(name: str) -> None:
        both.wait()
        try:
            accounts.disable(name, by="somebody")
        except ToolError:
            return

    threads = [threading.Thread(target=disable, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(not account.disabled for account in accounts.list()) == 1


@pytest.mark.parametrize("password", ["", "too short", "x" * 201])
def test_passwords_have_a_length(accounts: Accounts, password: str):
    with pytest.raises(Retry, match="10 to 200 characters"):
        accounts.add("ana", Role.OPERATOR, [], password, by="os:root")


def test_a_password_is_checked_as_the_letters_that_were_meant():
    passwords = cheap()
    stored = passwords.hash("Gr\u00fc\u00dfe aus dem Werk")
    assert passwords.verify(stored, "Gru\u0308\u00dfe aus dem Werk")
    assert not passwords.verify(stored, "Grusse aus dem Werk")
    assert not passwords.verify(stored, "\udcff" * 12)


def test_nobody_has_a_password():
    assert not cheap().verify(None, PASSWORD)
    assert not cheap().verify("no hash", PASSWORD)


def test_the_usual_cost_is_the_librarys_own(own_engine: Engine):
    Accounts(own_engine, SITE, lambda: EARLY).add("ana", Role.ADMIN, [], PASSWORD, by="os:root")
    with db.reading(own_engine) as connection:
        stored = connection.execute(select(tables.accounts.c.password_hash)).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Passwords().verify(stored, PASSWORD)


def test_the_command_line_makes_lists_and_closes_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "plant.toml").write_text(
        '[site]\nid = "m"\nname = "M"\ntime_zone = "UTC"\nnamespace = "urn:m"\n'
        '[[shift]]\nname = "day"\nstart = 06:00:00\n[[area]]\nid = "N"\nname = "North"\n'
        '[[asset]]\nid = "M-1"\nname = "Mixer"\nkind = "mixer"\narea = "N"\n',
        encoding="utf-8",
    )
    config = tmp_path / "copilot.toml"
    monkeypatch.setenv("COPILOT_CONFIG", str(config))  # what --config sets ends with the test
    config.write_text('plant = "plant.toml"\n[database]\nown = "sqlite:///own.db"\n')

    def run(*words: str, **kwargs: str):
        return CliRunner().invoke(users, [*words, "--config", str(config)], **kwargs)

    def change(*words: str, admin: str = "ana", lines: tuple[str, ...] = (PASSWORD,)):
        return run(*words, "--admin", admin, "--password-stdin", input="\n".join(lines) + "\n")

    def first(name: str, role: str):
        return run("add", name, "--role", role, "--password-stdin", input=PASSWORD + "\n")

    assert "no administrator yet" in str(first("bo", "operator").exception)
    assert first("ana", "admin").exit_code == 0
    assert "admin" in run("list").output
    assert "--admin NAME" in str(first("eve", "admin").exception)
    for words in (("disable", "ana"), ("areas", "ana", "N"), ("password", "ana")):
        assert "--admin NAME" in str(run(*words).exception)
        assert "wrong" in str(change(*words, lines=("not her password",)).exception)
    new = (PASSWORD, "his own password")
    added = change("add", "bo", "--role", "operator", "--area", "N", lines=new)
    assert added.exit_code == 0, added.output
    assert "no areas" in change("areas", "ana").output
    assert change("password", "bo", lines=(PASSWORD, "his next password")).exit_code == 0
    refused = change("role", "bo", "admin", admin="bo", lines=("his next password",))
    assert "no administrator" in str(refused.exception)
    assert "last administrator" in str(change("disable", "ana").exception)
    assert change("disable", "bo").exit_code == 0

    engine = db.open_database(f"sqlite:///{tmp_path / 'own.db'}")
    changes = [row for row in audit_rows(engine) if row["kind"] != "account.refused"]
    engine.dispose()
    assert changes[0]["actor"].startswith("os:")
    assert {row["actor"] for row in changes[1:]} == {"ana"}
    assert changes[-1]["data"]["name"] == "bo"
