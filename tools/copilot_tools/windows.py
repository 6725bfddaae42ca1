"""Time windows as people say them ("8h", "shift", "yesterday") turned into periods of time."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from copilot_tools.errors import Retry
from copilot_tools.site.model import Site

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of UTC time [start, end) and how to name it in an answer."""

    start: datetime
    end: datetime
    label: str

    @property
    def length(self) -> timedelta:
        """How long the period is."""
        return self.end - self.start


def parse_window(text: str, site: Site, now: datetime) -> Period:
    """The period a window means at `now` (UTC); days and shifts follow the site's time zone.

    `week` and `month` are the last 7 and 30 days. Raises Retry for anything else.
    """
    if match := re.fullmatch(r"(\d{1,4})([mhd])", text):
        count, unit = int(match[1]), match[2]
        length = timedelta(**{_UNITS[unit]: count})
        if not timedelta() < length <= LONGEST:
            raise Retry(f"a window must be longer than 0 and at most {LONGEST.days} days")
        name = _UNITS[unit] if count > 1 else _UNITS[unit][:-1]
        return Period(now - length, now, f"last {count} {name}")
    local = now.astimezone(site.time_zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    match text:
        case "today":
            return Period(midnight.astimezone(UTC), now, "today")
        case "yesterday":
            before = (midnight - timedelta(days=1)).astimezone(UTC)
            return Period(before, midnight.astimezone(UTC), "yesterday")
        case "shift":
            start, name = current_shift(site, now)
            return Period(start, now, f"this {name} shift")
        case "week":
            return Period(now - timedelta(days=7), now, "last 7 days")
        case "month":
            return Period(now - timedelta(days=30), now, "last 30 days")
    raise Retry(f"{text!r} is not a time window; use for example 30m, 8h, 7d, shift, today")


def current_shift(site: Site, now: datetime) -> tuple[datetime, str]:
    """When the shift that runs at `now` began (UTC), and its name."""
    local = now.astimezone(site.time_zone)
    starts = [
        (datetime.combine(day, shift.start, site.time_zone), shift.name)
        for day in (local.date() - timedelta(days=1), local.date())
        for shift in site.shifts
    ]
    start, name = max(candidate for candidate in starts if candidate[0] <= local)
    return start.astimezone(UTC), name
