"""Words to terms, terms to scores."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_knowledge.lexical import LexicalIndex
from copilot_knowledge.tokenise import index_terms, tokenise

TEXTS = (
    "tightening torque of the casing screws 70 N.m",
    "torque wrench calibration every year",
    "grease the bearing 6309-2RS with 18 g",
    "the pump house is kept clean",
)
ALL = np.ones(len(TEXTS), dtype=np.bool_)


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    return LexicalIndex.build([index_terms(text) for text in TEXTS])


def test_compounds_are_kept_whole_in_parts_and_joined() -> None:
    assert index_terms("the 6309-2RS end-suction") == [
        *("6309-2rs", "63092rs", "6309", "2rs"),
        *("end-suction", "endsuction", "end", "suction"),
    ]


def test_words_are_stemmed_and_question_words_dropped() -> None:
    assert index_terms("how do I tighten the screws?") == index_terms("tightening screw")


def test_units_are_one_however_they_are_written() -> None:
    assert index_terms("20 litres in 5 minutes") == index_terms("20 l in 5 min")


def test_another_language_has_its_own_stems() -> None:
    assert index_terms("Schrauben", "de") == index_terms("Schraube", "de")


def test_the_best_text_comes_first(index: LexicalIndex) -> None:
    scores = index.scores(tokenise("torque for casing screw"), ALL)
    assert scores.argmax() == 0
    assert scores[1] > 0
    assert scores[3] == 0


def test_what_is_not_allowed_scores_nothing(index: LexicalIndex) -> None:
    allowed = np.array([False, True, True, True])
    assert index.scores(tokenise("casing torque"), allowed).argmax() == 1


def test_unknown_words_score_nothing(index: LexicalIndex) -> None:
    assert not index.scores(tokenise("zebra unicorn"), ALL).any()
    assert not index.scores([], ALL).any()


def test_an_empty_index_answers_with_nothing() -> None:
    assert LexicalIndex.build([]).scores(tokenise("pump"), np.ones(0, dtype=np.bool_)).size == 0


def test_coverage_weighs_rare_words_more(index: LexicalIndex) -> None:
    words = tokenise("torque unicorn")
    assert 0 < index.coverage(words, frozenset(index_terms(TEXTS[0]))) < 0.5
    assert index.coverage(tokenise("casing torque"), frozenset(index_terms(TEXTS[0]))) == 1


def test_a_compound_is_covered_by_its_parts(index: LexicalIndex) -> None:
    assert index.coverage(tokenise("end-suction"), frozenset({"end", "suction"})) == 1


@given(st.text(max_size=200))
def test_coverage_is_a_share(text: str) -> None:
    index = LexicalIndex.build([index_terms(t) for t in TEXTS])
    assert 0 <= index.coverage(tokenise(text), frozenset(index_terms(TEXTS[0]))) <= 1 + 1e-9


def test_an_index_read_from_disk_scores_the_same(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "words")
    read = LexicalIndex.load(tmp_path / "words", len(TEXTS))
    allowed = np.ones(len(TEXTS), dtype=np.bool_)
    for text in TEXTS:
        words = tokenise(text)
        assert (read.scores(words, allowed) == index.scores(words, allowed)).all()
        terms = frozenset(index_terms(TEXTS[0]))
        assert read.coverage(words, terms) == index.coverage(words, terms)
