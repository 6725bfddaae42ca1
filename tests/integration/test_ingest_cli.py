"""`copilot ingest`: what it says of manuals that it takes in, leaves out and removes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from copilot.cli import cli

MANUAL = """---
document: PR-1
revision: "A"
title: Press
---
# 1 Care

Grease the spindle nut of the press each week.
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "copilot.toml"
    file.write_text('manuals = "manuals"\nlibrary = "library.db"\n', encoding="utf-8")
    return file


def ingest(config: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["ingest", "--config", str(config), *words])
    return done.exit_code, done.output


def test_it_says_what_was_taken_in_and_how_fast(config: Path, tmp_path: Path) -> None:
    (tmp_path / "press.md").write_text(MANUAL, encoding="utf-8")
    code, said = ingest(config, str(tmp_path / "press.md"))
    assert code == 0
    assert "press.md: taken in as PR-1 rev. A, 1 page" in said
    assert "1 passage in " in said
    assert "a second" not in ingest(config, str(tmp_path / "press.md"))[1]


def test_what_it_cannot_read_is_left_out_with_its_reason(config: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"no PDF at all")
    code, said = ingest(config, str(tmp_path / "bad.pdf"))
    assert code == 1
    assert "bad.pdf: left out: not a readable PDF" in said
    assert not (tmp_path / "manuals" / "bad.pdf").exists()


def test_a_manual_is_listed_until_it_is_removed(config: Path, tmp_path: Path) -> None:
    (tmp_path / "press.md").write_text(MANUAL, encoding="utf-8")
    ingest(config, str(tmp_path / "press.md"))
    assert "PR-1 rev. A  Press" in ingest(config, "--list")[1]
    code, said = ingest(config, "--remove", "PR-1")
    assert code == 0
    assert "PR-1" not in said
    assert "no manuals in manuals" in said
