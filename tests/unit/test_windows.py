from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_tools.errors import Retry
from copilot_tools.site.model import Shift, Site
from copilot_tools.windows import current_shift, parse_window

SITE = Site(
    id="x",
    name="X",
    time_zone=ZoneInfo("Europe/Berlin"),
    shifts=(
        Shift("early", time(6)),
        Shift("late", time(14)),
        Shift("night", time(22)),
    ),
    areas={},
    lines={},
    assets={},
)
NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)  # 12:00 in Berlin


@pytest.mark.parametrize(
    ("text", "start", "end", "label"),
    [
        ("30m", NOON - timedelta(minutes=30), NOON, "last 30 minutes"),
        ("1h", NOON - timedelta(hours=1), NOON, "last 1 hour"),
        ("7d", NOON - timedelta(days=7), NOON, "last 7 days"),
        ("today", datetime(2026, 11, 20, 23, tzinfo=UTC), NOON, "today"),
        (
            "yesterday",
            datetime(2026, 11, 19, 23, tzinfo=UTC),
            datetime(2026, 11, 20, 23, tzinfo=UTC),
            "yesterday",
        ),
        ("shift", datetime(2026, 11, 21, 5, tzinfo=UTC), NOON, "this early shift"),
        ("week", NOON - timedelta(days=7), NOON, "last 7 days"),
        ("month", NOON - timedelta(days=30), NOON, "last 30 days"),
    ],
)
def test_windows(text: str, start: datetime, end: datetime, label: str):
    period = parse_window(text, SITE, NOON)
    assert (period.start, period.end, period.label) == (start, end, label)


def test_yesterday_has_25_hours_when_the_clocks_went_back():
    monday = datetime(2026, 10, 26, 11, tzinfo=UTC)
    assert parse_window("yesterday", SITE, monday).length == timedelta(hours=25)


@pytest.mark.parametrize("text", ["", "0h", "8 h", "fortnight", "-3d", "9999d", "8H", "1w"])
def test_anything_else_is_asked_back(text: str):
    with pytest.raises(Retry):
        parse_window(text, SITE, NOON)


def test_the_night_shift_began_yesterday():
    start, name = current_shift(SITE, datetime(2026, 11, 21, 2, tzinfo=UTC))
    assert (start, name) == (datetime(2026, 11, 20, 21, tzinfo=UTC), "night")


@given(st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))
def test_every_moment_lies_in_the_shift_that_runs(now: datetime):
    start, _ = current_shift(SITE, now)
    assert timedelta() <= now - start < timedelta(hours=9, minutes=1)
