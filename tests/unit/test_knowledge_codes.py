"""Fault codes and part numbers: found exactly, or said to be unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_knowledge.chunk import Chunk
from copilot_knowledge.chunk_codes import codes_of
from copilot_knowledge.codes import asked_codes, bare, is_row_key, normalise
from copilot_knowledge.identifiers import IdentifierTable

LEAD = "Table 1 Faults\nCode | Meaning"
CHUNKS = (
    Chunk(("9 Faults",), 9, "F1203 | Bearing hot", LEAD, table=True),
    Chunk(("9 Faults",), 9, "F0120 | Seal wet", LEAD, table=True),
    Chunk(("9 Faults",), 9, "17204 | Door open", LEAD, table=True),
    Chunk(("4 Care",), 4, "After F1203 stop the pump K-7 and fit SEAL-XY50 with M16 bolts."),
    Chunk(("9 Faults",), 9, "A3 | Largest step", LEAD, table=True),
    Chunk(("8 Parts",), 8, "LT-RAD | Level sensor", "Table 2\nPart number | Part", table=True),
)


def find(code: str, without_letters: bool) -> list[tuple[int, bool]]:
    """What the database answers for these chunks."""
    return [
        (position, defines)
        for position, piece in enumerate(CHUNKS)
        for held, defines in codes_of(piece).items()
        if code == (bare(held) if without_letters else held)
    ]


def everywhere(position: int) -> bool:
    return True


TABLE = IdentifierTable(find, names=["K-7"])


@pytest.mark.parametrize(
    "question",
    [
        "what does F1203 mean",
        "f1203?",
        "F-1203 again",
        "pump shows F 1203 since lunch",
        "fault 1203 on the panel",
        "alarm code 1203, help",
        "we swapped the belt and cleaned all, it still stops with f1203 at 30 bar",
    ],
)
def test_a_code_is_found_however_it_is_written(question: str) -> None:
    lookup = TABLE.look_up(question, everywhere)
    (positions,) = lookup.found.values()
    assert positions == (0, 3)
    assert lookup.defining == {0}
    assert not lookup.unknown


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("what does F1204 mean", "F1204"),
        ("fault 120", "120"),
        ("F120 on the display", "F120"),
        ("error F01203", "F01203"),
        ("is SEAL-XY51 in stock", "SEAL-XY51"),
        ("code 17205", "17205"),
    ],
)
def test_a_code_nobody_holds_is_unknown_and_nothing_near_is_found(
    question: str, unknown: str
) -> None:
    lookup = TABLE.look_up(question, everywhere)
    assert lookup.unknown == (unknown,)
    assert not lookup.found


@pytest.mark.parametrize(
    "question",
    [
        "torque of M24 bolts at DN80",
        "run it for 24-hour shifts at 30 bar",
        "error after 30 minutes",
        "step 12 of the two-stage check",
        "is IP65 enough",
        "grease NLGI 2 for K-7",
        "in 2024 we had this twice",
        "there is a 3 mm hole in the hose",
    ],
)
def test_sizes_quantities_and_machines_are_no_codes(question: str) -> None:
    lookup = TABLE.look_up(question, everywhere)
    assert not lookup.found
    assert not lookup.unknown


def test_a_bare_number_counts_only_where_a_manual_holds_just_that() -> None:
    assert TABLE.look_up("it says 17204 on the panel", everywhere).defining == {2}
    assert not TABLE.look_up("it says 1203 on the panel", everywhere).found


def test_one_letter_and_a_number_are_a_code_unless_they_are_an_article() -> None:
    assert TABLE.look_up("the panel says A 3", everywhere).defining == {4}


def test_a_part_number_without_digits_is_found_by_its_table() -> None:
    assert TABLE.look_up("where does lt-rad fit", everywhere).defining == {5}


def test_a_code_outside_the_filter_is_unknown_here_but_held_elsewhere() -> None:
    lookup = TABLE.look_up("F0120", lambda position: position != 1)
    assert lookup.unknown == ("F0120",)
    assert TABLE.holders("f-0120") == (1,)


def test_keys_of_rows() -> None:
    assert is_row_key("230.1", "Position")
    assert is_row_key("#17204", "Code")
    assert is_row_key("E47", "")
    assert not is_row_key("M16", "Thread")
    assert not is_row_key("2900", "Speed (rpm)")
    assert not is_row_key("Casing screws", "Part")


@given(st.from_regex(r"[A-Z]{1,4}[0-9]{2,5}", fullmatch=True))
def test_one_spelling_for_all(code: str) -> None:
    letters = code.rstrip("0123456789")
    digits = code.removeprefix(letters)
    for written in (code, code.lower(), f"{letters}-{digits}", f"{letters.lower()} {digits}"):
        assert normalise(written) == code


@given(st.text(max_size=300))
def test_any_question_can_be_asked(question: str) -> None:
    for asked in asked_codes(question):
        assert asked.spelled in question
    TABLE.look_up(question, everywhere)
