"""What a handover says: who asked what and what was found, values with unit, quality and time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from copilot.actor import Actor
from copilot.events import Answered, Event, Noticed, Outcome
from copilot.runs.store import Run, RunState
from copilot.web.services import Services
from copilot_tools.display import format_time, format_value, printable
from copilot_tools.facts import Fact, Findings, Quote, Table, Value

FILED = "proposals"


@dataclass(frozen=True, slots=True)
class Filed:
    """A change that was proposed in a conversation."""

    number: str
    says: str
    state: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of texts under headings."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class HandedTurn:
    """One question, when it was asked, and what came of it, all in plant time."""

    asked: str
    question: str
    answer: str
    notices: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    quotes: tuple[Quote, ...] = ()
    proposals: tuple[Filed, ...] = ()


@dataclass(frozen=True, slots=True)
class Handover:
    """A whole conversation, as of the time it was made."""

    site: str
    zone: str
    person: str
    role: str
    made: str
    turns: tuple[HandedTurn, ...]


async def gather(services: Services, actor: Actor, conversation: str, runs: list[Run]) -> Handover:
    """The handover of a conversation of that person."""
    site, events = services.copilot.plant.site, await services.runs.events_of([r.id for r in runs])
    zone = site.time_zone
    turns = [
        HandedTurn(format_time(said.asked, zone), said.text, said.answer)
        for said in await services.copilot.conversations.said(conversation)
        if not runs or said.asked < runs[0].started
    ]
    turns += [_turn(run, [event for _, event in events[run.id]], zone) for run in runs]
    return Handover(
        site=site.name,
        zone=str(zone),
        person=actor.name,
        role=str(actor.role),
        made=format_time(services.now(), zone),
        turns=tuple(turns),
    )


def _turn(run: Run, events: list[Event], zone: ZoneInfo) -> HandedTurn:
    answer = next((event.text for event in events if isinstance(event, Answered)), "")
    outcomes = sorted((e for e in events if isinstance(e, Outcome)), key=lambda e: e.position)
    found = [o.result for o in outcomes if isinstance(o.result, Findings)]
    notices = [event.message for event in events if isinstance(event, Noticed)]
    if run.state is RunState.LOST:
        notices.append("The copilot was restarted while it answered.")
    return HandedTurn(
        asked=format_time(run.started, zone),
        question=run.text,
        answer=answer,
        notices=tuple(notices),
        grids=tuple(grid for one in found for grid in _grids(one, zone)),
        quotes=tuple(quote for one in found for quote in one.quotes),
        proposals=tuple(filed for one in found for filed in _filed(one)),
    )


def _grids(found: Findings, zone: ZoneInfo) -> Iterator[Grid]:
    facts = [fact for fact in found.facts if fact.source.system != FILED]
    if facts:
        heads = ("What", "Value", "Quality", "Time", "Source")
        yield Grid("", heads, tuple(_row(fact, zone) for fact in facts))
    yield from (_table(table, zone) for table in found.tables)


def _row(fact: Fact, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        f"{fact.subject} {fact.name}",
        format_value(fact.value, fact.unit, zone),
        fact.quality.value,
        format_time(fact.time, zone),
        f"{fact.source.system} {fact.source.reference}".strip(),
    )


def _table(table: Table, zone: ZoneInfo) -> Grid:
    """A table as texts; columns in which nothing stands are left out."""
    used = [n for n in range(len(table.columns)) if any(_cell(row[n], zone) for row in table.rows)]
    shown = f", {len(table.rows)} of {table.total}" if table.total > len(table.rows) else ""
    at = format_time(table.time, zone)
    return Grid(
        f"{table.title}{shown} ({table.source.system}, {at})",
        tuple(_head(table.columns[n].name, table.columns[n].unit) for n in used),
        tuple(tuple(_cell(row[n], zone) for n in used) for row in table.rows),
    )


def _head(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def _cell(value: Value, zone: ZoneInfo) -> str:
    return "" if value is None else format_value(value, "", zone)


def _filed(found: Findings) -> Iterator[Filed]:
    facts: dict[str, Value | datetime] = {
        fact.name: fact.value for fact in found.facts if fact.source.system == FILED
    }
    if found.change is not None and "proposal" in facts:
        state = printable(str(facts.get("state", "")))
        yield Filed(f"#{facts['proposal']}", found.change.says, state)
