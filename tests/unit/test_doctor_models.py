import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from copilot.cli.check import Check
from copilot.cli.doctor_models import check_models
from copilot.settings import HealthSettings
from copilot_tools.models.registry.kinds import kind_named
from copilot_tools.models.registry.manifest import Draft
from copilot_tools.models.registry.registry import Key, Registry

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIFE = Key("remaining-life", "pump/bearing")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def add(registry: Registry, key: Key, *, promoted: bool = True, **changes: Any) -> None:
    libraries = {} if key.kind == "vision" else kind_named(key.kind).libraries()
    values = {"created": NOW, "created_by": "ada", "data_sha256": "0" * 64, "libraries": libraries}
    made = registry.add(key, b"a model", "model.file", Draft(**{**values, **changes}))
    if promoted:
        registry.promote(key, made.version, NOW, "ada")


def checks(registry: Registry) -> dict[str, Check]:
    return {c.name: c for c in check_models(HealthSettings(models=registry.root), NOW)}


def test_where_nothing_is_trained_nothing_is_wrong(registry: Registry):
    found = checks(registry)
    assert list(found) == ["remaining-life models", "behaviour models", "vision models"]
    assert all(check.ok for check in found.values())
    said = found["behaviour models"].detail
    assert said == "none is trained yet; copilot health train behaviour --all"


def test_those_in_use_and_those_that_run_along_are_counted(registry: Registry):
    for asset in ("K-1", "K-2"):
        add(registry, Key("behaviour", asset))
    add(registry, Key("behaviour", "K-2"), promoted=False)
    add(registry, Key("vision", "camera"))
    found = checks(registry)
    assert found["behaviour models"] == Check(
        "behaviour models", True, "2 in use, 1 run along", found["behaviour models"].mend
    )
    assert found["vision models"].detail == "1 in use, 0 run along"


def test_the_old_the_damaged_and_the_foreign_are_named_with_their_mending(registry: Registry):
    add(registry, LIFE, created=NOW - timedelta(days=200))
    found = checks(registry)["remaining-life models"]
    assert not found.ok
    assert (
        "1 in use, 0 run along; 1 stale: remaining-life pump/bearing v1 of 2026-05" in found.detail
    )
    assert "copilot health train remaining-life --all --if-needed" in found.mend
    add(registry, LIFE, libraries={"scikit-learn": "1.2.0"})
    assert (
        "1 cannot be used: remaining-life pump/bearing v2: was trained with scikit-learn 1.2.0"
        in (checks(registry)["remaining-life models"].detail)
    )
    add(registry, Key("vision", "camera"))
    (registry.place(Key("vision", "camera"), 1) / "model.file").write_bytes(b"another")
    vision = checks(registry)["vision models"]
    assert "0 in use, 0 run along; 1 cannot be used: vision camera v1: " in vision.detail
    assert "is damaged" in vision.detail
    assert "copilot station train" in vision.mend


def test_a_garbled_pointer_is_named(registry: Registry):
    add(registry, LIFE)
    (registry.folder(LIFE) / "pointer.json").write_text(json.dumps({"current": "x"}), "utf-8")
    found = checks(registry)["remaining-life models"]
    assert not found.ok
    assert "0 in use, 0 run along; 1 cannot be used: remaining-life pump/bearing: " in found.detail


def test_a_folder_that_is_none_is_said(tmp_path: Path):
    (tmp_path / "models").write_text("", "utf-8")
    (check,) = check_models(HealthSettings(models=tmp_path / "models"), NOW)
    assert not check.ok
    assert "models cannot be read: Not a directory" in check.detail
