"""How a turn looks in the terminal: the line in words first, then what is better looked at."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from copilot.cli.trend import draw_trend
from copilot.events import Answered, Ended, Event, Noticed, Outcome, Planned, Problem, Queued
from copilot.present import describe
from copilot_tools.display import format_age, format_time, format_value, printable
from copilot_tools.facts import Fact, Findings, Picture, Quality, Quote, Range, Table, Value
from copilot_tools.talk import reply

SHOWN_FACTS = 16
BAR = 12
WIDEST_CELL = 40
LONGEST_NOTE = 40
_QUALITY_STYLE = {
    Quality.GOOD: "",
    Quality.UNCERTAIN: "yellow",
    Quality.STALE: "yellow",
    Quality.BAD: "red",
}


class Renderer:
    """Prints the events of a turn; times are shown in the plant's time zone.

    `decide` is the command by which people decide here, with a place ({}) for what; "" where
    nothing can be proposed. `user` is who asks.
    """

    def __init__(self, console: Console, zone: ZoneInfo, decide: str = "", user: str = "") -> None:
        self._console = console
        self._zone = zone
        self._decide = decide
        self._user = user
        self._waiting: dict[int, Outcome] = {}
        self._next = 0

    def show(self, event: Event, now: datetime) -> None:
        """Print one event."""
        match event:
            case Queued(ahead=ahead) if ahead:
                self._console.print(f"waiting, {ahead} before you", style="dim")
            case Planned(calls=calls):
                self._waiting, self._next = {}, 0
                for call in calls:
                    words = " · ".join(_word(*argument) for argument in call.arguments.items())
                    self._console.print(_text(f"› {call.tool}  {words}", "dim"))
            case Outcome():
                self._show_in_order(event, now)
            case Answered(text=text, outcomes=()):
                self._console.print(_text(text))
            case Noticed(message=message):
                self._console.print(_text(message, "yellow"))
            case Ended(total_s=total):
                self._console.print(Text(f"{total:.2f} s", style="dim"), justify="right")

    def _show_in_order(self, outcome: Outcome, now: datetime) -> None:
        """Print outcomes as they were asked; one that is early waits for those before it."""
        self._waiting[outcome.position] = outcome
        while self._next in self._waiting:
            outcome = self._waiting.pop(self._next)
            result, ours = outcome.result, outcome.call.tool == reply.name
            self._next += 1
            if isinstance(result, Findings) and ours:
                self._console.print(Text(printable(result.summary, lines=True), style="bold"))
            elif isinstance(result, Findings):
                self._console.print(Group(*self._findings(result, now)))
            else:
                self._console.print(self._problem(result))

    def _problem(self, problem: Problem) -> RenderableType:
        words = describe(problem, self._zone)
        return _text(words, "yellow" if problem.kind == "retry" else "red")

    def _findings(self, findings: Findings, now: datetime) -> Iterator[RenderableType]:
        yield _text(findings.summary, "bold")
        for notice in findings.notices:
            yield _text(f"! {notice}", "yellow")
        for quote in findings.quotes:
            yield _quote(quote)
        if findings.facts and not findings.quotes and not findings.tables:
            yield self._facts(findings.facts, now)
        for series in findings.series:
            yield Padding(draw_trend(series, self._zone, self._console.width - 4), (0, 2))
        for table in findings.tables:
            yield self._table(table)
        for picture in findings.pictures:
            yield self._picture(picture)
        filed = (fact for fact in findings.facts if fact.source.system == "proposals")
        facts = {fact.name: fact.value for fact in filed}
        if findings.change and self._decide and facts.get("state") == "pending approval":
            yield _text(self._next_step(facts), "cyan")

    def _next_step(self, facts: dict[str, Value]) -> str:
        """The command that decides about a proposal, ready to be copied."""
        own = facts["approvals needed"] == 0
        verb, user = ("confirm", self._user) if own else ("approve", "NAME")
        what = f"{verb} {facts['proposal']} --user {user}"
        return f"  {self._decide.format(what)}"

    def _facts(self, facts: tuple[Fact, ...], now: datetime) -> RenderableType:
        grid = Grid.grid(padding=(0, 2))
        for fact in facts[:SHOWN_FACTS]:
            value = _text(format_value(fact.value, fact.unit, self._zone))
            value.justify = "right"
            value.stylize(_QUALITY_STYLE[fact.quality] or _outside(fact))
            quality = "" if fact.quality is Quality.GOOD else fact.quality.value
            grid.add_row(
                _text(f"  {fact.subject}", "dim"),
                _text(fact.name),
                value,
                _limit_bar(fact.value, fact.normal) if fact.normal else _text(_interval(fact)),
                Text(quality, style=_QUALITY_STYLE[fact.quality]),
                Text(f"{format_age(now - fact.time)} ago", style="dim"),
                _text(fact.source.system, "dim"),
            )
        hidden = len(facts) - SHOWN_FACTS
        more = [Text(f"  and {hidden} more", style="dim")] if hidden > 0 else []
        return Group(grid, *more)

    def _table(self, table: Table) -> RenderableType:
        shown = self._fitting_columns(table)
        grid = Grid(title=_text(table.title, "bold"), box=SIMPLE_HEAD, title_justify="left")
        for position in shown:
            column = table.columns[position]
            unit = f" ({column.unit})" if column.unit else ""
            grid.add_column(_text(f"{column.name}{unit}"), overflow="fold")
        for row in table.rows:
            grid.add_row(*(_text(self._cell(row[position])) for position in shown))
        notes = []
        if table.total > len(table.rows):
            notes.append(f"{len(table.rows)} of {table.total} shown")
        hidden = [
            column.name
            for position, column in enumerate(table.columns)
            if position not in shown and any(self._cell(row[position]) for row in table.rows)
        ]
        if hidden:
            notes.append(f"a wider terminal also shows {', '.join(hidden)}")
        grid.caption = _text("; ".join(notes), "table.caption") if notes else None
        return grid

    def _fitting_columns(self, table: Table) -> list[int]:
        """The columns that fit the terminal, from the left; empty ones are left out."""
        fitting, used = [], 0
        for position, column in enumerate(table.columns):
            cells = [self._cell(row[position]) for row in table.rows]
            width = min(max(map(len, (column.name, *cells)), default=0), WIDEST_CELL) + 3
            if any(cells) and used + width <= self._console.width:
                fitting.append(position)
                used += width
        return fitting

    def _cell(self, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, str | int | float | datetime):
            return format_value(value, "", self._zone)
        return str(value)

    def _picture(self, picture: Picture) -> RenderableType:
        when = format_time(picture.time, self._zone)
        return _text(f"  {picture.title}, {when}: {picture.path}", "dim")


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style)


def _word(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _outside(fact: Fact) -> str:
    value = fact.value
    if fact.normal is None or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return "" if value in fact.normal else "bold red"


def _interval(fact: Fact) -> str:
    if fact.interval is None or fact.interval.low is None or fact.interval.high is None:
        return fact.note if len(fact.note) <= LONGEST_NOTE else ""
    low = format_value(fact.interval.low)
    return f"{low} to {format_value(fact.interval.high, fact.unit)}"


def _limit_bar(value: object, normal: Range) -> Text:
    """Where a value lies between the ends of its normal range: `├────●─────┤`."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or normal.low is None or normal.high is None:
        return Text("")
    share = (float(str(value)) - normal.low) / (normal.high - normal.low)
    place = min(max(round(share * (BAR - 1)), 0), BAR - 1)
    bar = Text("├" + "─" * place + "●" + "─" * (BAR - 1 - place) + "┤", style="dim")
    bar.append(f" {format_value(normal.low)}..{format_value(normal.high)}", style="dim")
    return bar


def _quote(quote: Quote) -> RenderableType:
    title = f"{quote.title}, rev. {quote.revision}, page {quote.page}, {quote.section}"
    text = Text(printable(quote.text, lines=True))
    return Panel(text, title=_text(title), title_align="left", border_style="dim")
