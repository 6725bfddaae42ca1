"""Killed at every step of a change, a registry shows the state before or the state after."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import change_models
import pytest

BEFORE = {"versions": [1, 2, 3], "current": 2, "previous": 1, "shadow": 3}


def killed_everywhere(folder: Path, what: str) -> list[dict[str, Any]]:
    process = subprocess.run(
        [sys.executable, change_models.__file__, str(folder), what],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    found = [json.loads(line) for line in process.stdout.splitlines()]
    assert [entry["killed"] for entry in found] == [True] * (len(found) - 1) + [False]
    assert all(entry["left"] == [] for entry in found)
    return found


def states(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The different states that readers found, in the order of the steps."""
    names = ("versions", "current", "previous", "shadow")
    seen = [{name: entry[name] for name in names} for entry in found]
    return [state for i, state in enumerate(seen) if i == 0 or state != seen[i - 1]]


@pytest.mark.parametrize(
    ("what", "after"),
    [
        ("promote", {**BEFORE, "current": 3, "previous": 2, "shadow": None}),
        ("back", {**BEFORE, "current": 1, "previous": 2}),
    ],
)
def test_the_version_in_use_changes_in_one_step(tmp_path: Path, what: str, after: dict[str, Any]):
    found = killed_everywhere(tmp_path, what)
    assert len(found) > 5
    assert states(found) == [BEFORE, after]


def test_a_version_is_there_whole_or_not_at_all(tmp_path: Path):
    found = killed_everywhere(tmp_path, "add")
    assert len(found) > 7
    added = {**BEFORE, "versions": [1, 2, 3, 4]}
    assert states(found) == [BEFORE, added, {**added, "shadow": 4}]
    assert {tuple(entry["after"]["versions"]) for entry in found} == {
        (1, 2, 3, 4),
        (1, 2, 3, 4, 5),
    }


def test_a_version_is_pruned_whole_or_not_at_all(tmp_path: Path):
    found = killed_everywhere(tmp_path, "prune")
    assert len(found) > 7
    before = {**BEFORE, "versions": [1, 2, 3, 4, 5, 6], "shadow": 6}
    fewer = [{**before, "versions": there} for there in ([1, 2, 4, 5, 6], [1, 2, 5, 6])]
    assert states(found) == [before, *fewer]
    assert all(entry["after"]["versions"] == [1, 2, 5, 6] for entry in found)
