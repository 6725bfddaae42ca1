"""Whether an answer says what is true: its facts are compared with what the plant itself holds.

Truth comes as rows, read several times around a turn. Only facts, tables, quotes, mentions and
problems count; the words of an answer do not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from copilot.events import Answered, Problem
from copilot_tools.facts import Fact, Findings, Value

Row: TypeAlias = tuple[Value, ...]
Rows: TypeAlias = Sequence[Row]

TALK = "reply"
FIRST = "cause 1: "
_ASIDE = ("similar name", "matching parts", "searched", "scope", "period")
RELATIVE = 0.002
SAME_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold of an answer: a `kind`, what it is about, and options.

    Options are `in` (where to look), `exactly` (nothing else there) and `of` (which tool's answer).
    """

    kind: str
    about: Any
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The part of an answer in which the rows of truth must stand."""
        return str(self.options.get("in", _PLACES.get(self.kind, "")))

    @property
    def exactly(self) -> bool:
        """Whether the answer must hold these rows and no others."""
        return bool(self.options.get("exactly", False))


_PLACES = {
    "live": "facts",
    "state": "rows",
    "stat": "facts",
    "oee": "facts",
    "facts": "facts",
    "rows": "rows",
    "mentions": "mentions",
    "assets": "mentions",
    "alarms": "mentions",
    "life": "interval",
    "cause": "cause",
    "unchanged": "before",
    "same": "before",
}


def unmet(expected: Expectation, looks: Sequence[Rows], answer: Answered) -> str:
    """Why an expectation is not met by an answer; empty when it is."""
    tool = expected.options.get("of")
    outcomes = [o for o in answer.outcomes if tool in (None, o.call.tool)]
    found = [o.result for o in outcomes if isinstance(o.result, Findings)]
    if expected.where == "before":
        return "" if looks[0] == looks[-1] else f"changed from {looks[0]} to {looks[-1]}"
    if expected.where:
        looked_up = any(isinstance(o.result, Findings) and o.call.tool != TALK for o in outcomes)
        return _against_truth(expected, looks, found) if looked_up else "nothing was found out"
    about = expected.about
    match expected.kind:
        case "quote":
            return _quote(about, looks, found)
        case "problem":
            return _problem(about, answer)
        case "asks_back":
            return _asked_back(about, answer)
        case "reply":
            kinds = [o.call.arguments.get("kind") for o in answer.outcomes]
            return "" if kinds == [about] else f"replies {kinds}"
        case "summary_starts":
            told = any(each.summary.startswith(about) for each in found)
            return "" if told else f"no summary starts with {about!r}"
        case "pictures":
            files = [picture.path for each in found for picture in each.pictures]
            return "" if files and all(f.is_file() for f in files) else f"pictures {files}"
        case "none_of":
            return _none_of(about, found) or _broken(answer)
    raise ValueError(f"unknown expectation {expected.kind!r}")


def _none_of(parts: Sequence[str], found: Sequence[Findings]) -> str:
    """The answer must hold none of these: facts, tables, quotes, or a cause."""
    held = {
        "facts": [f.name for each in found for f in each.facts if f.name not in _ASIDE],
        "tables": [table.title for each in found for table in each.tables],
        "quotes": [quote.document for each in found for quote in each.quotes],
        "cause": [f.name for each in found for f in each.facts if f.name.startswith(FIRST)],
    }
    holds = [text for part in parts for text in held[part]]
    return f"holds {', '.join(holds)}" if holds else ""


def _broken(answer: Answered) -> str:
    """Nothing was found because something does not work, which is not the same as knowing it."""
    results = [o.result for o in answer.outcomes if isinstance(o.result, Problem)]
    return ", ".join(r.message for r in results if r.kind in ("failed", "unavailable"))


def _against_truth(expected: Expectation, looks: Sequence[Rows], found: Sequence[Findings]) -> str:
    if not any(looks) and not expected.exactly:
        return "the truth is empty: the case asks for nothing"
    match expected.where:
        case "facts":
            return _facts(looks, [fact for each in found for fact in each.facts])
        case "interval":
            return _interval(looks, [fact for each in found for fact in each.facts])
        case "cause":
            return _cause(looks, found)
        case "rows":
            return _any_look(looks, lambda rows: _rows(rows, found, expected.exactly))
        case "mentions":
            return _any_look(looks, lambda rows: _mentions(rows, found, expected.exactly))
    raise ValueError(f"unknown place {expected.where!r}")


def _facts(looks: Sequence[Rows], facts: Sequence[Fact]) -> str:
    """Each row (subject, name, value, unit) must be a fact; a number may lie between two looks."""
    seen: dict[tuple[Value, Value, Value], list[Value]] = {}
    for rows in looks:
        for subject, name, value, unit in rows:
            seen.setdefault((subject, name, unit), []).append(value)
    for (subject, name, unit), values in seen.items():
        said = [f for f in facts if same(f.subject, subject) and same(f.name, name)]
        if not said:
            return f"no fact {subject} {name}"
        if not any(f.unit == unit and _between(f.value, values) for f in said):
            told = ", ".join(f"{f.value} {f.unit}".strip() for f in said)
            return f"{subject} {name}: {told} instead of {values[-1]} {unit}".rstrip()
    return ""


def _interval(looks: Sequence[Rows], facts: Sequence[Fact]) -> str:
    """Each row (subject, part of a name, value, unit) must lie in the interval of such a fact."""
    for subject, name, value, unit in looks[-1]:
        said = [f for f in facts if same(f.subject, subject) and str(name) in f.name]
        if not said:
            return f"no fact {subject} {name}"
        spans = [f.interval for f in said if f.unit == unit and f.interval is not None]
        closed = [span for span in spans if None not in (span.low, span.high)]
        if not any(isinstance(value, int | float) and value in span for span in closed):
            return f"{subject} {name}: {value} {unit} lies in none of {spans}"
    return ""


def _cause(looks: Sequence[Rows], found: Sequence[Findings]) -> str:
    """The first cause must lie at the asset of the row and in its component."""
    for asset, component in looks[-1]:
        first = [f for each in found for f in each.facts if f.name.startswith(FIRST)]
        if not first:
            return "no cause is named"
        if first[0].subject != asset:
            return f"{first[0].name} of {first[0].subject}"
        named = [mention for each in found for mention in each.mentions[1:2]]
        if not any(same(mention, component) for mention in named):
            return f"{', '.join(named)} instead of {component}"
    return ""


def _rows(rows: Rows, found: Sequence[Findings], exactly: bool) -> str:
    records = list(_records(found))
    for row in rows:
        if not any(all(any(same(cell, v) for cell in record) for v in row) for record in records):
            return f"no record holds {', '.join(map(str, row))}"
    totals = [each.tables[0].total for each in found if each.tables]
    if exactly and sum(totals) != len(rows):
        return f"{sum(totals)} records instead of {len(rows)}"
    return ""


def _records(found: Iterable[Findings]) -> Iterator[tuple[Value, ...]]:
    """What is told of one thing: a table row, or the facts of one subject."""
    for each in found:
        for table in each.tables:
            yield from table.rows
        for subject in {fact.subject for fact in each.facts}:
            yield (subject, *(fact.value for fact in each.facts if fact.subject == subject))


def _mentions(rows: Rows, found: Sequence[Findings], exactly: bool) -> str:
    keys = {str(row[0]) for row in rows}
    mentions = [mention for each in found for mention in each.mentions]
    missing = [k for k in sorted(keys) if not any(_names(m, k) for m in mentions)]
    if missing:
        return f"does not mention {', '.join(missing)}"
    more = [m for m in mentions if not any(_names(m, key) for key in keys)]
    return f"also mentions {', '.join(more)}" if exactly and more else ""


def _names(mention: str, key: str) -> bool:
    return mention.casefold() == key.casefold() or mention.casefold().startswith(
        f"{key.casefold()} "
    )


def _any_look(looks: Sequence[Rows], check: Any) -> str:
    """Met when it is met by the truth at one of the moments looked at."""
    reasons = [check(rows) for rows in looks]
    return "" if "" in reasons else str(reasons[-1])


def _quote(about: Mapping[str, Any], looks: Sequence[Rows], found: Sequence[Findings]) -> str:
    """One passage must hold the texts, and so must the page it is said to stand on."""
    quotes = [q for each in found for q in each.quotes if q.document == about["document"]]
    if not quotes:
        return f"no quote of {about['document']}"
    wanted = [bare(text) for text in about["texts"]]
    telling = [quote for quote in quotes if all(text in bare(quote.text) for text in wanted)]
    if not telling:
        return f"no quote of {about['document']} says {about['texts']}"
    pages = [row[0] for row in looks[-1]]
    if not any(quote.page in pages for quote in telling):
        return f"quotes page {telling[0].page}, but it stands on {pages}"
    return ""


def bare(text: str) -> str:
    """Letters only as far as wording goes: lower case, no white space."""
    return "".join(text.split()).casefold()


def _problem(kind: str, answer: Answered) -> str:
    kinds = [o.result.kind for o in answer.outcomes if isinstance(o.result, Problem)]
    return "" if kind in kinds else f"no problem {kind!r}, but {kinds or 'an answer'}"


def _asked_back(offers: Sequence[str], answer: Answered) -> str:
    """Asked back by the resolver with these offers, or by the planner where none are expected."""
    asked = [
        {candidate.key for candidate in o.result.candidates}
        for o in answer.outcomes
        if isinstance(o.result, Problem) and o.result.kind == "retry"
    ]
    clarified = any(o.call.arguments.get("kind") == "clarify" for o in answer.outcomes)
    if not asked and not (clarified and not offers):
        return "does not ask back"
    if offers and not any(offered >= set(offers) for offered in asked):
        return f"offers {', '.join(sorted(set().union(*asked)))} without {', '.join(offers)}"
    return ""


def _between(value: Value, seen: Sequence[Value]) -> bool:
    """Whether a value is one of those seen, or a number between the lowest and highest of them."""
    numbers = [v for v in seen if isinstance(v, int | float) and not isinstance(v, bool)]
    if not numbers or not isinstance(value, int | float) or isinstance(value, bool):
        return any(same(value, one) for one in seen)
    low, high = min(numbers), max(numbers)
    return low - _slack(low) <= value <= high + _slack(high)


def _slack(number: float) -> float:
    return RELATIVE * abs(number) + 1e-9


def same(one: Value, other: Value) -> bool:
    """Whether two values agree, apart from rounding and the case of letters."""
    match one, other:
        case datetime(), datetime():
            return abs(one - other) <= SAME_MOMENT
        case ((int() | float()), (int() | float())):
            return abs(one - other) <= _slack(float(other))
        case str(), str():
            return one.casefold() == other.casefold()
    return one == other
