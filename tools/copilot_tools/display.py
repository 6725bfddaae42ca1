"""How values, times and texts are written for people: in one place, so that all answers agree."""

import unicodedata
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from copilot_tools.facts import Value

UNSEEN = "\N{REPLACEMENT CHARACTER}"
LETTERS_WITHOUT_INK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def format_value(value: Value, unit: str = "", zone: ZoneInfo | None = None) -> str:
    """A value with its unit, at most four significant decimals: "71.2 degC", "1,250 kg"."""
    match value:
        case None:
            return "no value"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return format_time(value, zone) if zone else value.isoformat()
        case float() | int():
            return f"{format_number(value)} {unit}".rstrip()
    return f"{value} {unit}".rstrip()


def format_number(number: float) -> str:
    """A number to the precision a reader can use: 0.0312, 4.27, 71.2, 1250."""
    if isinstance(number, int) or number == 0:
        return str(int(number))
    magnitude = abs(number)
    decimals = 0 if magnitude >= 1000 else 1 if magnitude >= 20 else 2 if magnitude >= 0.1 else 4
    text = f"{number:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_time(moment: datetime, zone: ZoneInfo) -> str:
    """A UTC time in plant time: "2026-11-21 14:05"."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def format_age(age: timedelta) -> str:
    """How long ago, in the largest sensible unit: "4 s", "12 min", "3 h", "5 days"."""
    seconds = max(age.total_seconds(), 0)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def printable(text: str, *, lines: bool = False) -> str:
    """The text as it may reach a screen: a visible mark for each character that steers or hides.

    These are control and format characters, of which some turn the reading direction, and letters
    without ink. With `lines` line breaks and tabs stay.
    """
    if text.isprintable() and LETTERS_WITHOUT_INK.isdisjoint(text):
        return text
    return "".join(_seen(letter, lines) for letter in text)


def is_unseen(letter: str) -> bool:
    """Whether a character steers or hides instead of showing something; spaces do not."""
    category = unicodedata.category(letter)
    return category[0] == "C" or category in ("Zl", "Zp") or letter in LETTERS_WITHOUT_INK


def _seen(letter: str, lines: bool) -> str:
    if lines and letter in "\n\t":
        return letter
    if is_unseen(letter):
        return UNSEEN
    return " " if letter.isspace() else letter
