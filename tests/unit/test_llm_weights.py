from pathlib import Path

import pytest

from copilot.llm.errors import ModelMissing
from copilot.llm.weights import adapter_path, base_path, check_weights, prepare_weights


def test_the_installed_files_are_the_ones_we_know(tmp_path: Path):
    assert base_path().stat().st_size > 90e6
    assert adapter_path().stat().st_size > 19e6
    assert check_weights(tmp_path / "new" / "cache") is None


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert "file" in (check_weights(blocked) or "")
    with pytest.raises(ModelMissing, match="cannot be written"):
        prepare_weights(blocked)


def test_the_model_card_names_the_licence_and_the_limits():
    card = adapter_path().with_name("MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Apache-2.0" in card
    assert "## Limits" in card
