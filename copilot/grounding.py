"""Whether every number, date and id of an answer stands in the facts it was built from."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from copilot.events import Outcome, Problem
from copilot_tools.display import format_number, format_time
from copilot_tools.facts import Fact, Findings, Range, Source, Table, Value

_NUMERAL = re.compile(r"\d+(?:[.,:-]\d+)*")


def ungrounded(
    text: str, outcomes: Iterable[Outcome], zone: ZoneInfo, names: Iterable[str] = ()
) -> list[str]:
    """The numerals of `text` that neither a fact nor the user's own request holds.

    `names` are ids of the plant model; where one stands in the text, its digits are no number.
    """
    for name in names:
        text = text.replace(name, "")
    known: set[str] = set()
    for outcome in outcomes:
        for words in _said(outcome, zone):
            known.update(_NUMERAL.findall(words))
    return [numeral for numeral in _NUMERAL.findall(text) if numeral not in known]


def _said(outcome: Outcome, zone: ZoneInfo) -> Iterator[str]:
    """Every text in which the numbers of an outcome may stand."""
    for value in outcome.call.arguments.values():
        yield str(value)
        yield from _value(value, zone)
    if isinstance(outcome.result, Problem):
        for fact in outcome.result.facts:
            yield from _fact(fact, zone)
        yield from (f"{c.key} {c.name}" for c in outcome.result.candidates)
        if outcome.result.since is not None:
            yield format_time(outcome.result.since, zone)
        return
    yield from _findings(outcome.result, zone)


def _findings(findings: Findings, zone: ZoneInfo) -> Iterator[str]:
    yield from findings.mentions
    for fact in findings.facts:
        yield from _fact(fact, zone)
    for table in findings.tables:
        yield from _table(table, zone)
    for quote in findings.quotes:
        yield from (quote.text, quote.document, quote.title, quote.section, str(quote.page))
        yield quote.revision
    for picture in findings.pictures:
        yield from (picture.title, format_time(picture.time, zone))


def _fact(fact: Fact, zone: ZoneInfo) -> Iterator[str]:
    yield from (fact.subject, fact.name, fact.unit, format_time(fact.time, zone))
    yield from _value(fact.value, zone)
    yield from _source(fact.source)
    for bounds in (fact.normal, fact.interval):
        yield from _range(bounds)


def _table(table: Table, zone: ZoneInfo) -> Iterator[str]:
    yield str(table.total)
    yield str(len(table.rows))
    for row in table.rows:
        for value in row:
            yield from _value(value, zone)


def _value(value: Value, zone: ZoneInfo) -> Iterator[str]:
    if isinstance(value, datetime):
        yield format_time(value, zone)
        yield format_time(value, zone)[-5:]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(value)
    elif value is not None:
        yield str(value)


def _number(value: float) -> Iterator[str]:
    """A number as answers write it: rounded, without its sign, or exact."""
    yield format_number(value)
    yield format_number(abs(value))
    yield f"{value:.12g}"


def _range(bounds: Range | None) -> Iterator[str]:
    for end in (bounds.low, bounds.high) if bounds else ():
        if end is not None:
            yield from _number(end)


def _source(source: Source) -> Iterator[str]:
    yield source.reference
