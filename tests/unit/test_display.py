from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from copilot_tools.display import format_age, format_number, format_time, format_value


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
