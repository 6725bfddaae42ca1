from pathlib import Path

import pytest

from copilot.executor.settings import load_executor_settings
from copilot.settings import SettingsError

TEXT = """\
plant = "plant.toml"
state = "state"
[database]
own = "sqlite:///own.db"
erp = "postgresql://erp/plant"
[opcua]
url = "opc.tcp://plc:4840/"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "executor.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_relative_paths_start_from_the_folder_of_the_file(file: Path) -> None:
    settings = load_executor_settings(file)
    assert settings.plant == file.parent / "plant.toml"
    assert settings.state == file.parent / "state"
    assert settings.database.own == f"sqlite:///{file.parent / 'own.db'}"
    assert settings.database.erp == "postgresql://erp/plant"


def test_a_secret_comes_from_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_EXECUTOR_OPCUA__PASSWORD", "of the plant")
    settings = load_executor_settings(file)
    assert settings.opcua.password is not None
    assert settings.opcua.password.get_secret_value() == "of the plant"
    assert "of the plant" not in repr(settings)
    assert settings.opcua.url == "opc.tcp://plc:4840/"


def test_the_variables_of_the_chat_do_not_count(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPILOT_OPCUA__PASSWORD", "of the chat")
    assert load_executor_settings(file).opcua.password is None


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ('plant = "plant.toml"\npoll = 1', "executor.toml:2: poll: Extra inputs"),
        ('plant = "plant.toml"\npoll_s = 0', "executor.toml:2: poll_s: Input should be greater"),
        ("plant = 'x", "executor.toml: not valid TOML"),
        (
            'plant = "plant.toml"\nlease_s = 6',
            "executor.toml:2: lease_s: Value error, must be more than 3 x opcua.timeout_s, 6",
        ),
    ],
)
def test_an_error_is_one_line_that_names_its_place(file: Path, wrong: str, line: str) -> None:
    file.write_text(TEXT.replace('plant = "plant.toml"', wrong), encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load_executor_settings(file)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_variable_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_EXECUTOR_LEASE_S", "soon")
    with pytest.raises(SettingsError, match="environment variable COPILOT_EXECUTOR_LEASE_S"):
        load_executor_settings(file)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"docs/executor\.md"):
        load_executor_settings(tmp_path / "executor.toml")
