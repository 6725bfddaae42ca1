"""What is quoted together and what never comes apart."""

from hypothesis import given
from hypothesis import strategies as st

from copilot_knowledge.chunk import MOST_TOKENS, chunk, count_tokens
from copilot_knowledge.document import Block

SENTENCE = "The quick valve opens slowly over the old pump and closes at night. "
HEADING = Block("heading", "3 Seals", 1, 1)


def step(number: int, page: int = 1, words: int = 1) -> Block:
    return Block("step", f"{number}. {(SENTENCE * words).strip()}", page)


def row(text: str, page: int = 1, header: str = "Item | Value") -> Block:
    return Block("row", text, page, 0, "Table 3-1 Data", header)


def test_a_section_within_the_limit_is_one_chunk() -> None:
    blocks = [HEADING, Block("heading", "3.1 Fitting", 1, 2), step(1), step(2)]
    (piece,) = chunk(blocks)
    assert piece.path == ("3 Seals", "3.1 Fitting")
    assert piece.text == f"{blocks[2].text}\n{blocks[3].text}"
    assert not piece.more


def test_a_long_section_is_parted_between_steps_and_says_so() -> None:
    pieces = chunk([HEADING, *(step(number, words=4) for number in range(1, 9))])
    assert len(pieces) > 1
    assert all(count_tokens(piece.text) <= MOST_TOKENS for piece in pieces)
    assert [piece.more for piece in pieces] == [True] * (len(pieces) - 1) + [False]


def test_a_long_paragraph_is_parted_between_sentences() -> None:
    pieces = chunk([HEADING, Block("paragraph", (SENTENCE * 40).strip(), 1)])
    assert len(pieces) > 1
    assert all(piece.text.endswith(".") for piece in pieces)
    assert all(count_tokens(piece.text) <= MOST_TOKENS for piece in pieces)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 11))
def test_a_warning_stays_with_the_step_after_it(steps: int, words: int, place: int) -> None:
    blocks = [step(number, words=words) for number in range(1, steps + 1)]
    place = min(place, steps - 1)
    warning = Block("warning", "WARNING: Hot surface.", 1)
    pieces = chunk([HEADING, *blocks[:place], warning, *blocks[place:]])
    (holder,) = [piece for piece in pieces if warning.text in piece.text]
    assert f"{warning.text}\n{blocks[place].text}" in holder.text


def test_a_warning_at_the_foot_of_a_page_leads_the_step_on_the_next() -> None:
    warning = Block("warning", "WARNING: The cover is heavy.", 1)
    first, second = chunk([HEADING, step(1), warning, step(2, page=2)])
    assert (first.page, second.page) == (1, 2)
    assert second.lead == warning.text


def test_short_rows_are_read_together_under_their_heads() -> None:
    (piece,) = chunk([HEADING, row("Speed | 2900"), row("Flow | 45")])
    assert piece.text == "Speed | 2900\nFlow | 45"
    assert piece.lead == "Table 3-1 Data\nItem | Value"
    assert piece.key_head == "Item"


def test_a_long_row_is_never_cut_and_stands_alone() -> None:
    long = row("Noise | " + SENTENCE * 20)
    pieces = chunk([HEADING, row("Drip | Seal"), long, row("Heat | Bearing")])
    assert [piece.text for piece in pieces] == ["Drip | Seal", long.text, "Heat | Bearing"]


def test_each_fault_code_is_a_chunk_of_its_own() -> None:
    rows = [row(f"E{number} | Stop", header="Code | Meaning") for number in range(10, 15)]
    assert [piece.text for piece in chunk([HEADING, *rows])] == [r.text for r in rows]


def test_text_of_two_pages_is_never_one_quote() -> None:
    pieces = chunk([HEADING, step(1), step(2, page=2), row("A | 1", page=2), row("B | 2", page=3)])
    assert [piece.page for piece in pieces] == [1, 2, 2, 3]


def test_a_caption_without_a_table_is_text() -> None:
    caption = Block("caption", "Table 4 gives the values at 20 degrees.", 1)
    (piece,) = chunk([HEADING, caption])
    assert piece.text == caption.text
