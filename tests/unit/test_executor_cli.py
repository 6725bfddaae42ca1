from pathlib import Path

import pytest
from account_fixture import audit_rows
from sqlalchemy import Engine
from typer.testing import CliRunner

from copilot.approvals.switches import stopped
from copilot.cli.executor import executor
from copilot.db import reading

TEXT = """\
plant = "plant.toml"
state = "state"
[database]
own = "{own}"
erp = "sqlite:///erp.db"
[opcua]
url = "opc.tcp://plc:4840/"
"""


@pytest.fixture
def config(tmp_path: Path, own_url: str) -> str:
    path = tmp_path / "executor.toml"
    path.write_text(TEXT.format(own=own_url), encoding="utf-8")
    return str(path)


def test_the_login_is_on_record_and_the_given_name_beside_it(
    config: str, own_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    for word, reason in (("stop", "smoke"), ("release", "a false alarm")):
        asked = [word, "--by", "boss", "--reason", reason, "--config", config]
        assert CliRunner().invoke(executor, asked).exit_code == 0
    stop, release = audit_rows(own_engine)
    assert [stop["kind"], release["kind"]] == ["switch.stop", "switch.release"]
    assert stop["data"] == {"by": "boss", "reason": "smoke"}
    assert release["data"] == {"by": "boss", "reason": "a false alarm"}
    for row in (stop, release):
        assert str(row["actor"]).startswith("os:")
        assert row["actor"] != "os:somebody-else"


@pytest.mark.parametrize("name", ["x" * 81, " "])
def test_a_name_has_one_to_eighty_characters(config: str, own_engine: Engine, name: str) -> None:
    asked = ["stop", "--by", name, "--reason", "smoke", "--config", config]
    ended = CliRunner().invoke(executor, asked)
    assert ended.exit_code == 2
    assert "1 to 80 characters" in ended.output
    with reading(own_engine) as connection:
        assert stopped(connection) is None
    assert audit_rows(own_engine) == []
