import importlib.metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for root in ("copilot", "tools", "knowledge", "evals", "tests")
    for path in sorted((ROOT / root).rglob("*.py"))
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_outgrows_a_room(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def test_no_bucket_modules():
    buckets = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
    assert not [path for path in SOURCES if path.stem in buckets]


@pytest.mark.parametrize(
    "package", ["copilot", "copilot_tools", "copilot_knowledge", "copilot_evals"]
)
def test_our_import_names_are_ours_alone(package: str):
    owners = set(importlib.metadata.packages_distributions().get(package, ()))
    assert owners <= {"industrial-copilot"}


def test_only_the_demo_and_the_evaluations_name_demo_assets():
    named = ("P-101", "FIL-12", "HX-204", "riverbend")
    guilty = [
        path
        for root in ("copilot", "tools", "knowledge")
        for path in sorted((ROOT / root).rglob("*"))
        if path.suffix in (".py", ".toml")
        and "copilot/demo" not in path.as_posix()
        and path.name != "demo.py"
        and any(name in path.read_text(encoding="utf-8") for name in named)
    ]
    assert not guilty
