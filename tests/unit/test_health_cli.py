"""`copilot health` from training to rollback, on a site with real files."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from sqlalchemy import create_engine
from telemetry_fixture import SITE
from typer.testing import CliRunner

from copilot import db
from copilot.cli import cli
from copilot.health.predictions import PredictionBook
from copilot_tools.errors import Failed, Retry
from copilot_tools.models.registry.manifest import Draft, Unusable
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.predictions import Prediction
from copilot_tools.sources import tables
from copilot_tools.sources.history_parquet import ParquetHistory

CONFIG = """\
plant = "plant.toml"
library = "library.db"
[database]
own = "sqlite:///own.db"
[health]
models = "models"
"""

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks of a pump that always runs."""
    folder = tmp_path_factory.mktemp("site")
    random = np.random.default_rng(3)
    count = 14 * 144
    speed = random.normal(1450, 15, count)
    columns = {
        "speed": speed,
        "flow": 0.035 * speed + random.normal(0, 0.2, count),
        "bearing temperature": 0.04 * speed + random.normal(0, 0.4, count),
        "bearing vibration": random.normal(1.6, 0.1, count),
    }
    now = np.datetime64(datetime.now(UTC).replace(tzinfo=None), "us")
    times = now - np.arange(count, 0, -1) * np.timedelta64(600, "s")
    store = ParquetHistory(folder / "history")
    store.append_arrays(times, {f"K-1.{name}": c for name, c in columns.items()})
    return folder / "history"


@pytest.fixture
def site(tmp_path: Path, history: Path) -> Path:
    (tmp_path / "history").symlink_to(history)
    (tmp_path / "manuals").mkdir()
    (tmp_path / "plant.toml").write_text(SITE, "utf-8")
    (tmp_path / "copilot.toml").write_text(CONFIG, "utf-8")
    engine = create_engine(f"sqlite:///{tmp_path / 'plant.db'}")
    tables.metadata.create_all(engine)
    engine.dispose()
    return tmp_path


@pytest.fixture
def run(site: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COPILOT_CONFIG", str(site / "copilot.toml"))
    monkeypatch.chdir(site)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, ["health", *words])

    return invoke


def test_from_training_to_rollback(run: Run):
    assert "No models are trained yet" in run("list").output
    trained = run("train", "behaviour", "raw pump")
    assert trained.exit_code == 0, trained.output
    assert "behaviour K-1 v1: runs along; running days" in trained.stdout
    assert "behaviour K-1  1 versions, none in use, v1 runs along" in run("list").output
    assert "v1 is in use" in run("promote", "behaviour", "k-1").output
    again = run("train", "behaviour", "K-1", "--promote", "--workers", "1")
    assert "behaviour K-1 v2: in use" in again.stdout
    shown = json.loads(run("show", "behaviour", "K-1").stdout)
    assert shown["version"] == 2
    assert shown["features"]["settings"] == ["speed", "flow"]
    assert shown["created_by"]
    assert "usually runs" in shown["card"]
    assert "v1 is in use again" in run("rollback", "behaviour", "K-1", "--reason", "odd").output
    assert "in use v1" in run("list").output


def test_score_drift_and_retraining(run: Run):
    assert "No model is in use" in run("score").output
    run("train", "behaviour", "--all", "--promote")
    assert "K-1 behaviour: " in run("score").output
    report = run("drift", "--json")
    (row,) = json.loads(report.stdout)
    assert (row["kind"], row["scope"], row["version"], row["due"]) == ("behaviour", "K-1", 1, [])
    assert report.exit_code == 0
    assert "behaviour K-1 v1: fits" in run("drift").output
    needed = run("train", "behaviour", "K-1", "--if-needed")
    assert (needed.exit_code, needed.stdout) == (0, "")


def test_a_model_that_is_due_shows_in_the_exit_code(run: Run, site: Path):
    run("train", "behaviour", "K-1", "--promote")
    (site / "models" / "behaviour" / "K-1" / "1" / "model.skops").write_bytes(b"")
    report = run("drift")
    assert report.exit_code == 1
    assert "is damaged" in report.output
    assert "--if-needed" in report.output
    assert "behaviour K-1 v2" in run("train", "behaviour", "K-1", "--if-needed").stdout


def test_a_version_made_of_late_is_waited_for(run: Run):
    first = run("train", "behaviour", "K-1", "--if-needed")
    assert "behaviour K-1 v1: runs along; " in first.stdout
    again = run("train", "behaviour", "K-1", "--if-needed")
    assert "behaviour K-1 v1: runs along already, since 2" in again.stdout
    assert again.exit_code == 0
    assert "v1: in use" in run("train", "behaviour", "K-1", "--if-needed", "--promote").stdout
    assert run("train", "behaviour", "K-1", "--if-needed").stdout == ""


def test_old_versions_are_pruned_on_demand(run: Run, site: Path):
    registry = Registry(site / "models")
    draft = Draft(created=datetime(2026, 1, 5, tzinfo=UTC), created_by="ada", data_sha256="0" * 64)
    for scope in ("K-1", "K-2"):
        for _ in range(4):
            registry.add(Key("behaviour", scope), b"a model", "model.skops", draft)
    registry.promote(Key("behaviour", "K-1"), 1, draft.created, "ada")
    (site / "models" / "behaviour" / "K-2" / "pointer.json").write_text("{", "utf-8")
    pruned = run("prune", "--keep", "2")
    assert "behaviour K-1: v2 removed, 3 stay" in pruned.stdout
    assert "behaviour K-2: nothing is removed: behaviour K-2: " in pruned.stdout
    assert pruned.exit_code == 1
    assert registry.versions(Key("behaviour", "K-1")) == [1, 3, 4]


def test_the_scorecard_is_a_table_and_json(run: Run, site: Path):
    assert "No predictions are kept yet" in run("scorecard").output
    engine = db.open_database(f"sqlite:///{site / 'own.db'}")
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    book = PredictionBook(engine)
    book.keep([Prediction("K-1", "bearing", at, "trend", "told", 9.0, 5.0, 12.0)])
    engine.dispose()
    (row,) = json.loads(run("scorecard", "--json").stdout)
    assert (row["asset"], row["due"], row["lasted_longer"]) == ("K-1", 1, 1)
    assert "K-1 bearing" in run("scorecard").output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", "tarot", "--all"), "no kind of model 'tarot'"),
        (("train", "behaviour"), "name machines, or --all"),
        (("train", "behaviour", "K-77"), "K-77"),
        (("train", "behaviour", "--from", "."), "--from trains remaining-life"),
        (("train", "remaining-life", "--from", ".", "--scope", "a/b"), "there is no csv file"),
        (("train", "remaining-life", "T-1"), "none of these machines has components"),
        (("promote", "behaviour", "K-1"), "there is no behaviour model of 'K-1'"),
        (("score", "--scheduler", "tcp://127.0.0.1:1"), ""),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(run: Run, words: tuple[str, ...], says: str):
    found = run(*words)
    if says:
        assert isinstance(found.exception, Failed | Retry)
        assert says in str(found.exception)
        assert "\n" not in str(found.exception)
    else:
        assert found.exit_code == 0  # Nothing is to be scored: nobody is asked.


def test_too_few_lives_are_an_exit_code(run: Run):
    found = run("train", "remaining-life", "K-1")
    assert found.exit_code == 1
    assert "not enough history: 0 repairs are known" in found.stdout
    every = run("train", "remaining-life", "--all", "--if-needed")
    assert every.exit_code == 0
    assert "Not enough history yet for 2: pump/bearing, pump/coupling." in every.stdout


def test_a_worse_version_needs_force_and_a_reason(run: Run, site: Path):
    run("train", "behaviour", "K-1", "--promote")
    run("train", "behaviour", "K-1")
    manifest = site / "models" / "behaviour" / "K-1" / "2" / "manifest.json"
    changed = json.loads(manifest.read_bytes())
    changed["metrics"] = {"loss": 0.9}
    manifest.write_text(json.dumps(changed), "utf-8")
    for words in ((), ("--force",)):
        refused = run("promote", "behaviour", "K-1", *words)
        assert isinstance(refused.exception, Failed)
        assert "its back-test is worse than that of v1" in str(refused.exception)
    assert (
        "v2 is in use"
        in run("promote", "behaviour", "K-1", "--force", "--reason", "new pump").output
    )
    pointer = json.loads((manifest.parents[1] / "pointer.json").read_bytes())
    assert pointer["steps"][-1]["reason"] == "new pump"


def test_a_model_that_cannot_be_loaded_is_never_promoted(run: Run, site: Path):
    run("train", "behaviour", "K-1")
    manifest = site / "models" / "behaviour" / "K-1" / "1" / "manifest.json"
    changed = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**changed, "sha256": "0" * 64}), "utf-8")
    refused = run("promote", "behaviour", "K-1", "--force", "--reason", "must")
    assert isinstance(refused.exception, Unusable)
