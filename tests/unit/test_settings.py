from pathlib import Path

import pytest

from copilot.settings import (
    DatabaseSettings,
    HealthSettings,
    Settings,
    SettingsError,
    load_settings,
)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COPILOT_CONFIG", raising=False)
    monkeypatch.setenv("COPILOT_OPCUA__USER", "reader")
    path = tmp_path / "site" / "copilot.toml"
    path.parent.mkdir()
    path.write_text(
        'plant = "north.toml"\ncache = "kept"\n[opcua]\nurl = "opc.tcp://a:1/"\nuser = "x"\n',
        "utf-8",
    )
    return path


def test_the_environment_wins_over_the_file_and_paths_follow_the_file(config: Path):
    settings = load_settings(config)
    assert settings.opcua.url == "opc.tcp://a:1/"
    assert settings.opcua.user == "reader"
    assert settings.plant == config.parent / "north.toml"
    assert settings.history.path == config.parent / "history"
    assert settings.cache == config.parent / "kept"
    assert settings.database.plant == f"sqlite:///{config.parent / 'plant.db'}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[opcua]\ntimeout_s = -1\n", "copilot.toml:2: opcua.timeout_s"),
        ('[history]\nkind = "tape"\n', "copilot.toml:2: history.kind"),
        ("[opcua]\n\nurll = 3\n", "copilot.toml:3: opcua.urll"),
        ("plant = = 3\n", "not valid TOML"),
        ("\nplnat = 3\n", "copilot.toml:2: there is no setting 'plnat'"),
    ],
)
def test_a_mistake_names_its_line(config: Path, text: str, says: str):
    config.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        load_settings(config)


def test_a_wrong_environment_variable_is_blamed_itself(
    config: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COPILOT_OPCUA__TIMEOUT_S", "abc")
    with pytest.raises(SettingsError, match="environment variable COPILOT_OPCUA__TIMEOUT_S"):
        load_settings(config)


def test_an_env_file_of_others_is_left_alone(config: Path, tmp_path: Path):
    (tmp_path / ".env").write_text("FOO=bar\nCOPILOT_OPCUA__TIMEOUT_S=3.5\n", encoding="utf-8")
    assert load_settings(config).opcua.timeout_s == 3.5


def test_a_missing_configuration_says_what_to_do(tmp_path: Path, config: Path):
    with pytest.raises(SettingsError, match="copilot demo"):
        load_settings(tmp_path / "nowhere.toml")


def test_what_the_watch_keeps_lies_beside_the_own_database_apart_by_site(tmp_path: Path):
    own = DatabaseSettings(own=f"sqlite:///{tmp_path / 'own' / 'copilot.db'}")
    first, second = (Settings(plant=tmp_path / name, database=own) for name in ("a", "b"))
    assert first.watch_folder.parent == tmp_path / "own" / "watch"
    assert first.watch_folder != second.watch_folder
    remote = Settings(
        database=DatabaseSettings(own="postgresql+psycopg://db/copilot"),
        health=HealthSettings(models=tmp_path / "models"),
    )
    assert remote.watch_folder.parent == tmp_path / "watch"
