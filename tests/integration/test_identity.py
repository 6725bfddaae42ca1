import getpass
import subprocess
import sys
from pathlib import Path

import pytest
from account_fixture import PASSWORD, audit_rows, cheap

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.actor import Role
from copilot.plant import utc_now
from copilot_evals.hostile_plant import settle
from copilot_tools.site.load import load_site

WHO = """
import sys
from pathlib import Path
from copilot.cli.chat import identify
from copilot.settings import load_settings
actor = identify(load_settings(Path("copilot.toml")), *eval(sys.argv[1]))
print(actor.name, actor.role, actor.areas, actor.authenticated)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    settings = settle(tmp_path, "opc.tcp://127.0.0.1:9/")
    own = f"sqlite:///{tmp_path / 'own.db'}"
    (tmp_path / "copilot.toml").write_text(f'[database]\nown = "{own}"\n', encoding="utf-8")
    engine = db.open_database(settings.database.own)
    db.migrate(engine)
    accounts = Accounts(engine, load_site(settings.plant), utc_now, cheap())
    accounts.add("ana", Role.ENGINEER, ["N"], PASSWORD, by="os:root")
    engine.dispose()
    return tmp_path


def who(site: Path, user: str | None, password: str = "") -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-c", WHO, repr((user, True))]
    return subprocess.run(
        run, cwd=site, input=password, capture_output=True, text=True, check=False
    )


def test_without_an_account_one_is_whoever_is_logged_in_and_not_signed_in(site: Path):
    assert who(site, None).stdout == f"{getpass.getuser()} operator () False\n"


def test_with_an_account_one_is_signed_in_by_its_password(site: Path):
    assert who(site, "ana", PASSWORD + "\n").stdout == "ana engineer ('N',) True\n"
    refused = who(site, "ana", "wrong password\n")
    assert refused.stdout == ""
    assert "name or password is wrong" in refused.stderr
    engine = db.open_database(f"sqlite:///{site / 'own.db'}")
    kinds = [row["kind"] for row in audit_rows(engine)]
    engine.dispose()
    assert kinds == ["account.added", "account.signed_in", "account.refused"]
