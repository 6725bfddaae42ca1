from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_tools.display import format_age, format_number, format_time, format_value, printable


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (0.0, "0"), (0.03125, "0.0312"), (4.2671, "4.27"), (71.23, "71.2"), (5.0, "5"),
     (1250.4, "1250"), (-3.456, "-3.46"), (1200, "1200"), (100, "100"), (0.1, "0.1")],
)  # fmt: skip
def test_numbers(number: float, text: str):
    assert format_number(number) == text


def test_values_carry_their_unit():
    assert format_value(4.267, "bar") == "4.27 bar"
    assert format_value(True) == "yes"
    assert format_value(None, "bar") == "no value"
    assert format_value("running") == "running"


def test_times_are_plant_times():
    moment = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert format_time(moment, ZoneInfo("Europe/Berlin")) == "2026-07-02 00:30"


@pytest.mark.parametrize(
    ("seconds", "text"), [(4, "4 s"), (720, "12 min"), (10_800, "3 h"), (432_000, "5 days")]
)
def test_ages(seconds: int, text: str):
    assert format_age(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Dichtung Ø 40, größer", "Dichtung Ø 40, größer"),
        ("1\u00a0250\u202fkg", "1 250 kg"),
        ("ok\x1b[2K\rno", "ok�[2K�no"),
        ("a\nb\tc", "a�b�c"),
        ("\u202eevil\u2066", "�evil�"),
        ("P\u200b-1\u2028\u3164", "P�-1��"),
        ("\x9b31m\ud800", "�31m�"),
    ],
)
def test_what_steers_or_hides_is_seen_as_a_mark(text: str, seen: str):
    assert printable(text) == seen


def test_a_quote_keeps_its_lines():
    assert printable("one\n\ttwo\r\x1b", lines=True) == "one\n\ttwo��"


@given(st.text())
def test_nothing_that_was_made_printable_steers_a_terminal(text: str):
    assert printable(text).isprintable()
