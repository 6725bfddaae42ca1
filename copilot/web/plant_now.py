"""The plant that a proposal rests on, as it was shown and as it is now, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from copilot.approvals.store import Record
from copilot_tools.changes import Precondition
from copilot_tools.display import format_value, printable
from copilot_tools.facts import Quality, Value
from copilot_tools.plant_state import Observation, differences, preconditions
from copilot_tools.site.model import Site


@dataclass(frozen=True, slots=True)
class NowLine:
    """One thing that must hold: what was shown, what is there now, and since when it was so.

    `now` is None where it cannot be seen; `problem` says what is not as it was shown.
    """

    what: str
    shown: str
    now: str | None
    quality: Quality | None
    age: timedelta | None
    problem: str


def lines_now(site: Site, record: Record, observed: Observation, at: datetime) -> list[NowLine]:
    """What must hold for a proposal, with what is there now."""
    return list(_lines(site, record, observed, at))


def _lines(site: Site, record: Record, observed: Observation, at: datetime) -> Iterator[NowLine]:
    seen = {_key(there): there for there in preconditions(site, observed)}
    for shown in record.proposal.change.preconditions:
        there = seen.get(_key(shown))
        tolerance = f" ± {_say(shown.tolerance, shown.unit)}" if shown.tolerance else ""
        yield NowLine(
            what=printable(f"{shown.subject} {shown.name}"),
            shown=printable(f"{_say(shown.shown, shown.unit)}{tolerance}"),
            now=printable(_say(there.shown, there.unit)) if there else None,
            quality=there.quality if there else None,
            age=at - there.time if there else None,
            problem=printable("; ".join(differences((shown,), observed))),
        )


def _key(shown: Precondition) -> tuple[str, str, str]:
    return shown.kind, shown.subject, shown.name


def _say(value: Value, unit: str = "") -> str:
    """A number in full, as approvals compare it; switches are on or off, no alarm is none."""
    match value:
        case bool():
            return "on" if value else "off"
        case int() | float():
            return f"{value:.6g} {unit}".rstrip()
        case "":
            return "none"
    return format_value(value, unit)
