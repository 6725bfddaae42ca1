"""The answer in words: what the calls found, and plainly what they could not see."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from copilot.events import Outcome, Problem
from copilot_tools.display import format_time
from copilot_tools.facts import Findings

MENTIONED = 12


def present(outcomes: Sequence[Outcome], zone: ZoneInfo) -> str:
    """One paragraph a call, in the order asked; every number in it stands in the findings."""
    return "\n".join(describe(outcome.result, zone) for outcome in outcomes)


def describe(result: Findings | Problem, zone: ZoneInfo) -> str:
    """What one call came to, in words."""
    if isinstance(result, Findings):
        quoted = [result.quotes[0].text] if result.quotes else []
        return "\n".join((" ".join((result.summary, *result.notices)), *quoted))
    if result.since is not None:
        return f"{result.message}; it last answered at {format_time(result.since, zone)}."
    return result.message


def mentions(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Catalogue names and record keys a follow-up may mean: from findings and from offers."""
    found: list[str] = []
    for outcome in outcomes:
        if isinstance(outcome.result, Findings):
            found.extend(outcome.result.mentions)
        else:
            found.extend(f"{c.key} {c.name}".strip() for c in outcome.result.candidates)
    return tuple(dict.fromkeys(found))[:MENTIONED]
