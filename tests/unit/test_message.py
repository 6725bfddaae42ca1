import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.message import LONGEST, clean_message
from copilot_tools.errors import Retry


@pytest.mark.parametrize("text", ["", "   \n\t", "\x00\x01\x02", "???", "\u200b\u202e"])
def test_a_message_without_words_is_refused(text: str):
    with pytest.raises(Retry, match="nothing to answer"):
        clean_message(text)


def test_a_message_of_100_kb_is_refused_with_its_length():
    with pytest.raises(Retry, match=r"102,400 characters"):
        clean_message("x" * 102_400)


def test_control_and_format_characters_are_dropped():
    assert clean_message("flow\x00 of\u202e P-1\n please\x1b[31m") == "flow of P-1 please[31m"


@given(st.text(max_size=300))
def test_what_is_kept_is_printable_and_short(text: str):
    try:
        kept = clean_message(text)
    except Retry:
        kept = ""
    assert len(kept) <= LONGEST
    assert all(letter == " " or letter.isprintable() or ord(letter) > 127 for letter in kept)
