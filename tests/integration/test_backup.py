"""The drill: back up, go on working, lose the database, restore; nothing is done twice."""

import shutil
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from account_fixture import audit_rows
from executor_fixture import Floor, wait_for_text
from sqlalchemy import inspect, text
from typer.testing import CliRunner

from copilot.accounts.sessions import Kind, Sessions
from copilot.approvals.states import State
from copilot.backup.backup import back_up
from copilot.backup.restore import Restored, restore
from copilot.backup.secrets import LEFT_OUT, without_secrets
from copilot.cli import cli
from copilot.settings import ChangeSettings, DatabaseSettings, HealthSettings, Settings
from copilot_tools.errors import Failed, Unavailable
from copilot_tools.models.registry.manifest import Draft
from copilot_tools.models.registry.registry import Key, Registry


def now() -> datetime:
    return datetime.now(UTC)


def quiet(_name: str, _share: float) -> None:
    return None


def settings_of(floor: Floor) -> Settings:
    return Settings(
        plant=floor.folder / "plant.toml",
        database=DatabaseSettings(own=floor.own_url),
        changes=ChangeSettings(mode="propose"),
        health=HealthSettings(models=floor.folder / "models"),
    )


def make(floor: Floor, at: datetime | None = None) -> Path:
    if floor.engine.dialect.name == "postgresql" and shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not on this machine")
    config = floor.folder / "copilot.toml"
    return back_up(settings_of(floor), config, floor.folder / "backups", at or now(), quiet)


def put_back(
    floor: Floor, file: Path, *, replace: bool = True, at: datetime | None = None
) -> Restored:
    floor.engine.dispose()
    config = floor.folder / "copilot.toml"
    return restore(
        file, settings_of(floor), config, at or now(), quiet, by="os:me", replace=replace
    )


@pytest.fixture
def drill(floor: Floor) -> Iterator[Floor]:
    """The works; what a restore moved aside is dropped with it."""
    yield floor
    if floor.engine.dialect.name == "postgresql":
        schemas = [s for s in inspect(floor.engine).get_schema_names() if s.startswith("before_")]
        with floor.engine.begin() as connection:
            for schema in schemas:
                connection.execute(text(f'DROP SCHEMA "{schema}" CASCADE'))


def test_what_was_approved_before_the_backup_is_not_done_again(drill: Floor) -> None:
    process = drill.start()
    process.wait_until_ready()
    process.tell_to_stop()
    assert process.wait() == 0
    record = drill.ready()
    file = make(drill)
    process = drill.start()
    drill.wait_for(record, State.VERIFIED)
    process.tell_to_stop()
    assert process.wait() == 0
    drill.plc.order(values={"M-1.speed_setpoint": 1000.0})

    done = put_back(drill, file)
    assert "the old one is" in done.says[0]
    assert drill.state(record) is State.READY
    process = drill.start()
    wait_for_text(process, "the database was restored or rewritten")
    assert drill.written() == [1050.0]
    said = drill.command("accept-restore", "--by", "boss", "--reason", "disk was replaced")
    assert f"#{record.number} expired" in said
    process.wait_until_ready()
    assert drill.written() == [1050.0]
    drill.check(earlier_writes=1)


def test_a_restore_signs_everybody_out_and_is_on_record(drill: Floor) -> None:
    sessions = Sessions(drill.engine, drill.accounts, now)
    token = sessions.begin("olga", Kind.FULL, "here")
    at = now()
    file = make(drill, at)
    put_back(drill, file)
    assert sessions.find(token) is None
    last = audit_rows(drill.engine)[-1]
    assert (last["kind"], last["actor"]) == ("backup.restored", "os:me")
    assert last["data"]["made"] == at.isoformat()


def test_nothing_is_overwritten_unasked(drill: Floor) -> None:
    at = now()
    file = make(drill, at)
    before = audit_rows(drill.engine)
    with pytest.raises(Failed, match="--replace"):
        put_back(drill, file, replace=False)
    assert audit_rows(drill.engine) == before
    with pytest.raises(Failed, match="already"):
        make(drill, at)


def test_a_lost_database_comes_back_where_it_was(drill: Floor) -> None:
    if drill.engine.dialect.name != "sqlite":
        pytest.skip("the file of SQLite")
    file = make(drill)
    accounts = [account.name for account in drill.accounts.list()]
    drill.engine.dispose()
    own, plant = drill.folder / "own.db", drill.folder / "plant.toml"
    for path in (own, own.with_name("own.db-wal"), own.with_name("own.db-shm"), plant):
        path.unlink(missing_ok=True)
    put_back(drill, file, replace=False)
    assert [account.name for account in drill.accounts.list()] == accounts
    assert plant.is_file()
    assert own.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in drill.folder.iterdir() if p.name.startswith(".restore")] == []


def test_a_database_in_use_is_left_alone(drill: Floor) -> None:
    if drill.engine.dialect.name != "sqlite":
        pytest.skip("the file of SQLite")
    file = make(drill)
    with drill.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(Unavailable, match="stop copilot serve"):
            restore(
                file, settings_of(drill), drill.folder / "copilot.toml", now(), quiet,
                by="os:me", replace=True,
            )  # fmt: skip
    assert len(drill.accounts.list()) == 2


@pytest.mark.parametrize("harm", ["cut", "bit", "swap"])
def test_a_backup_that_was_touched_is_refused(drill: Floor, tmp_path: Path, harm: str) -> None:
    file = make(drill)
    if harm == "swap":
        with tarfile.open(file, "r:gz") as archive:
            archive.extractall(tmp_path / "taken", filter="data")
        (tmp_path / "taken" / "plant.toml").write_text("[site]\n", encoding="utf-8")
        with tarfile.open(file, "w:gz") as archive:
            for name in ("manifest.json", "database", "plant.toml"):
                archive.add(tmp_path / "taken" / name, name)
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0x20
        file.write_bytes(content if harm == "bit" else content[: len(content) // 2])
    before = audit_rows(drill.engine)
    with pytest.raises(Failed, match="damaged|no backup"):
        put_back(drill, file)
    assert audit_rows(drill.engine) == before


def test_a_backup_belongs_to_its_owner_and_holds_no_secret(drill: Floor) -> None:
    config = drill.folder / "copilot.toml"
    config.write_text(
        '[opcua]\npassword = "s3cret-1"\n[database]\nown = "postgresql://me:s3cret-2@db/own"\n'
        "[[web.webhooks]]\nurl = \"https://x/\"\nsecret = 's3cret-3'\n",
        encoding="utf-8",
    )
    file = make(drill)
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as archive:
        names = archive.getnames()
        member = archive.extractfile("copilot.toml")
        assert member is not None
        kept = member.read().decode()
    assert names == ["manifest.json", "database", "copilot.toml", "plant.toml"]
    assert "s3cret" not in kept
    assert kept.count(LEFT_OUT) == 3
    assert [p.name for p in file.parent.iterdir()] == [file.name]


KEY = Key("behaviour", "K-1")


def train(floor: Floor) -> Registry:
    """One more version of a model, in use at once."""
    registry = Registry(floor.folder / "models")
    draft = Draft(created=now(), created_by="ada", data_sha256="0" * 64)
    made = registry.add(KEY, b"a model", "model.skops", draft)
    registry.promote(KEY, made.version, now(), "ada")
    return registry


def test_models_come_back_and_newer_ones_are_moved_aside(drill: Floor) -> None:
    registry = train(drill)
    file = make(drill)
    assert put_back(drill, file).says[1:] == ()  # They are the same.
    train(drill)
    done = put_back(drill, file, at=now() + timedelta(seconds=2))
    assert "the models are back in" in done.says[-1]
    assert (registry.versions(KEY), registry.pointer(KEY).current) == ([1], 1)
    assert registry.content(registry.manifest(KEY, 1)) == b"a model"
    (old,) = drill.folder.glob("models.before-*")
    assert Registry(old).pointer(KEY).current == 2
    assert train(drill).versions(KEY) == [1, 2]
    assert not list(drill.folder.glob(".restore-*"))


def test_models_that_are_there_stay_unless_told(drill: Floor) -> None:
    if drill.engine.dialect.name != "sqlite":
        pytest.skip("the file of SQLite")
    registry = train(drill)
    file = make(drill)
    train(drill)
    drill.engine.dispose()
    for path in drill.folder.glob("own.db*"):
        path.unlink()
    done = put_back(drill, file, replace=False)
    assert "it was left as it is" in done.says[-1]
    assert registry.pointer(KEY).current == 2
    shutil.rmtree(registry.root)
    registry.root.mkdir()
    put_back(drill, file)
    assert registry.pointer(KEY).current == 1


def test_a_model_that_cannot_be_read_ends_a_backup_in_one_line(drill: Floor) -> None:
    registry = train(drill)
    (registry.place(KEY, 1) / "model.skops").unlink()
    (registry.place(KEY, 1) / "model.skops").mkdir()
    with pytest.raises(Failed, match=r"model\.skops cannot be read: Is a directory"):
        make(drill)
    assert not list((drill.folder / "backups").iterdir())


def test_a_file_whose_secrets_cannot_be_found_is_left_out() -> None:
    assert without_secrets('password = "a\\u0062c"') is None
    assert without_secrets('plant = "p.toml"') == 'plant = "p.toml"'


def test_the_commands(floor: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if floor.engine.dialect.name != "sqlite":
        pytest.skip("once is enough")
    monkeypatch.delenv("COPILOT_CONFIG", raising=False)
    config = floor.folder / "copilot.toml"
    config.write_text(
        f'plant = "plant.toml"\n[database]\nown = "{floor.own_url}"\n[health]\nmodels = "models"\n'
    )
    run = CliRunner()
    made = run.invoke(cli, ["backup", str(tmp_path / "safe"), "--config", str(config)])
    assert made.exit_code == 0, made.output
    file = made.stdout.strip().splitlines()[-1]
    floor.engine.dispose()
    config.unlink()
    asked = ["restore", file, "--config", str(config), "--replace"]
    done = run.invoke(cli, asked)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "accept-restore" in done.stdout
    assert config.is_file()
