import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from account_fixture import PASSWORD, cheap
from desk_fixture import SITE, SITE_TEXT
from faults.append_only import unlocked
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.actor import Role
from copilot.audit.log import Entry, append
from copilot.audit.settings import CheckpointSettings
from copilot.audit.signer import Signer
from copilot.cli.audit import audit
from copilot.plant import utc_now
from copilot_evals.audit_log import write_proposals

CONFIG = """\
plant = "plant.toml"
[database]
own = "{own}"
[audit]
public_key = "audit.key.pub"
checkpoints = ["checkpoints.jsonl"]
"""


@pytest.fixture
def config(own_engine: Engine, own_url: str, tmp_path: Path) -> Path:
    (tmp_path / "plant.toml").write_text(SITE_TEXT, encoding="utf-8")
    path = tmp_path / "copilot.toml"
    path.write_text(CONFIG.format(own=own_url), encoding="utf-8")
    files = (tmp_path / "checkpoints.jsonl",)
    settings = CheckpointSettings(key=tmp_path / "audit.key", every_rows=10, files=files)
    signer = Signer(own_engine, settings, SITE.id, utc_now)
    write_proposals(own_engine, 6, signer.tick)
    signer.sign()
    return path


def run(config: Path, *arguments: str, said: str = "") -> Result:
    return CliRunner().invoke(audit, [*arguments, "--config", str(config)], input=said)


def test_verify_says_how_far_it_is_signed(config: Path, own_engine: Engine):
    done = run(config, "verify")
    assert (done.exit_code, done.output.startswith("ok: ")) == (0, True)
    with db.writing(own_engine) as connection:
        append(connection, Entry("switch.stop", "sara", "", {}), utc_now())
    assert run(config, "verify").output.endswith("\nNOT SIGNED: row 26\n")


def test_a_log_that_nobody_signed_is_not_ok(config: Path, own_engine: Engine, tmp_path: Path):
    (tmp_path / "checkpoints.jsonl").unlink()
    (tmp_path / "checkpoints.jsonl").touch()
    with unlocked(own_engine) as connection:
        connection.execute(text("DELETE FROM checkpoints"))
    done = run(config, "verify")
    assert (done.exit_code, done.output) == (1, "NOT SIGNED: rows 1 to 25\n")


def test_verify_names_the_row_and_exits_with_1(config: Path, own_engine: Engine):
    with unlocked(own_engine) as connection:
        connection.execute(text("UPDATE audit SET row = replace(row, 'e', 'E') WHERE seq = 9"))
    done = run(config, "verify")
    assert done.exit_code == 1
    assert done.output == "DAMAGED: row 9: its content does not match its hash\n"


def test_verify_needs_a_public_key(config: Path, tmp_path: Path):
    (tmp_path / "audit.key.pub").unlink()
    done = run(config, "verify")
    assert done.exit_code == 1
    assert "there is no public key" in str(done.exception)


def test_show_prints_the_plants_time_and_one_proposal(config: Path):
    lines = run(config, "show", "--proposal", "2").output.splitlines()
    assert "K-1 speed" in lines[0]
    assert "2026-11-20 06:" in lines[0]
    assert "+01:00" in lines[0]
    assert "proposal.proposed" in lines[0]
    assert len(run(config, "show", "--last", "3").output.splitlines()) == 3


def test_export_writes_a_pack_with_the_policy_in_force(config: Path, tmp_path: Path):
    output = tmp_path / "pack.zip"
    done = run(config, "export", "-o", str(output))
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(output) as archive:
        names = archive.namelist()
    assert len([name for name in names if name.startswith("policies/")]) == 2
    assert "checkpoints.jsonl" in names
    assert run(config, "export", "-o", str(output)).exit_code == 1


def test_only_a_supervisor_accepts_the_clock(config: Path, own_engine: Engine):
    accounts = Accounts(own_engine, SITE, utc_now, cheap())
    for name, role in (("sara", Role.SUPERVISOR), ("olga", Role.OPERATOR)):
        accounts.add(name, role, ["*"], PASSWORD, by="system")
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with db.writing(own_engine) as connection:
        append(connection, Entry("switch.stop", "sara", "", {}), ahead)
    order = ("accept-clock", "--reason", "the server was an hour ahead", "--password-stdin", "--by")
    assert "only a supervisor" in str(run(config, *order, "olga", said=PASSWORD).exception)
    done = run(config, *order, "sara", said=PASSWORD)
    assert done.exit_code == 0, done.exception
    assert "clock.accepted" in run(config, "show", "--last", "1").output
    assert run(config, "verify").exit_code == 0
