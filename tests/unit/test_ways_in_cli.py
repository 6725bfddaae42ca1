"""`copilot token`, `copilot user pin` and `copilot user identity` on a real database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from account_fixture import PASSWORD, SITE, audit_rows, cheap
from click.testing import Result
from sqlalchemy import Engine
from typer.testing import CliRunner
from web_fixture import WORKS

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.accounts.badges import Badges
from copilot.accounts.first_admin import ensure_administrator
from copilot.accounts.identities import Identities
from copilot.accounts.service_tokens import ServiceTokens
from copilot.actor import Role
from copilot.cli import cli
from copilot.plant import utc_now
from copilot_tools.errors import Denied

ISSUER = "https://id.works.example"
CONFIG = f"""\
plant = "plant.toml"
[database]
own = "sqlite:///own.db"
[web.oidc]
issuer = "{ISSUER}"
client_id = "copilot"
client_secret = "hidden"
"""

Run = Callable[..., Result]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = db.open_database(f"sqlite:///{tmp_path / 'own.db'}")
    db.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def accounts(engine: Engine) -> Accounts:
    accounts = Accounts(engine, SITE, utc_now, cheap())
    accounts.add("ana", Role.ADMIN, ["*"], PASSWORD, by="os:root")
    accounts.add("bo", Role.OPERATOR, ["N"], PASSWORD, by="ana")
    return accounts


@pytest.fixture
def run(tmp_path: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> Run:
    config = tmp_path / "copilot.toml"
    config.write_text(CONFIG, encoding="utf-8")
    (tmp_path / "plant.toml").write_text(WORKS, encoding="utf-8")
    monkeypatch.setenv("COPILOT_CONFIG", str(config))

    def invoke(*words: str, lines: tuple[str, ...] = (PASSWORD,), admin: str = "ana") -> Result:
        asked = ["--admin", admin, "--password-stdin"] if admin else []
        return CliRunner().invoke(cli, [*words, *asked], input="\n".join(lines) + "\n")

    return invoke


def test_a_token_is_made_listed_and_revoked(run: Run, engine: Engine):
    made = run("token", "add", "mes", "--days", "30")
    secret = made.stdout.strip()
    tokens = ServiceTokens(engine, utc_now)
    assert tokens.find(secret)
    listed = run("token", "list", admin="").stdout
    assert "mes" in listed
    assert "by ana" in listed
    assert secret not in listed
    assert run("token", "revoke", "mes").exit_code == 0
    assert tokens.find(secret) is None
    assert "revoked" in run("token", "list", admin="").stdout


def test_a_token_needs_an_administrator(run: Run, engine: Engine):
    for words in (("token", "add", "mes"), ("token", "revoke", "mes")):
        assert isinstance(run(*words, admin="bo").exception, Denied)
        assert isinstance(run(*words, lines=("wrong password",)).exception, Denied)
        assert "--admin NAME" in str(run(*words, admin="").exception)
    assert ServiceTokens(engine, utc_now).list() == []


def test_a_badge_is_given_and_taken_away(run: Run, engine: Engine, accounts: Accounts):
    given = run("user", "pin", "bo", lines=(PASSWORD, "04A2F3", "482915"))
    assert given.exit_code == 0, given.output
    badges = Badges(engine, accounts, utc_now)
    assert badges.enter("04A2F3", "482915") == "bo"
    refused = run("user", "pin", "bo", admin="bo", lines=(PASSWORD, "04A2F4", "482915"))
    assert isinstance(refused.exception, Denied)
    assert run("user", "pin", "bo", "--remove").exit_code == 0
    assert badges.list() == []
    assert "482915" not in repr(audit_rows(engine)) + given.output


def test_an_identity_is_linked_and_unlinked(run: Run, engine: Engine, accounts: Accounts):
    linked = run("user", "identity", "bo", "4711")
    assert linked.exit_code == 0, linked.output
    identities = Identities(engine, accounts, utc_now)
    assert identities.find(ISSUER, "4711") == "bo"
    assert run("user", "identity", "bo", "4711", "--remove").exit_code == 0
    assert identities.find(ISSUER, "4711") is None


def test_a_password_for_once_changes_nothing_but_itself(
    run: Run, accounts: Accounts, engine: Engine
):
    accounts.add("new", Role.ADMIN, ["*"], PASSWORD, by="system", must_change=True)
    refused = run("token", "add", "mes", admin="new")
    assert "was for once" in str(refused.exception)
    own = (PASSWORD, "a password of my own")
    assert run("user", "password", "new", admin="new", lines=own).exit_code == 0
    assert run("token", "add", "mes", admin="new", lines=own[1:]).exit_code == 0
    assert ensure_administrator(accounts) is None
