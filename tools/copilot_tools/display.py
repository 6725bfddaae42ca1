"""How values and times are written for people: in one place, so that all answers agree."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from copilot_tools.facts import Value


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
