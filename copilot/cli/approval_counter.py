"""The counter in the terminal: prints lists and cards, hands over what is decided."""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from copilot.accounts.sign_in import SignIn
from copilot.actor import Actor
from copilot.approvals.card import Card
from copilot.approvals.counter import Counter, Said, Shown
from copilot.approvals.desk import Desk
from copilot.approvals.headline import headline
from copilot.approvals.open_desk import open_desk
from copilot.approvals.states import OPEN, State
from copilot.approvals.store import Record
from copilot.db import open_database
from copilot.plant import open_plant, utc_now
from copilot.settings import Settings, SettingsError
from copilot_tools.display import format_time, printable
from copilot_tools.plant import Plant

PAGE = 500
ALERT = "bold red"
T = TypeVar("T")


def open_counter(settings: Settings, now: Callable[[], datetime] = utc_now) -> "TerminalCounter":
    """The counter of a site; raises SettingsError where nothing may be proposed."""
    if settings.changes.mode == "read-only":
        raise SettingsError(
            'this copilot is read-only: nothing is proposed here (changes.mode = "propose" in the '
            "configuration would allow it)"
        )
    plant = open_plant(settings, now)
    engine = open_database(settings.database.own)
    return TerminalCounter(plant, engine, open_desk(settings, plant.site, engine, now), Console())


class TerminalCounter:
    """Commands of one terminal session; `close` it when done."""

    def __init__(self, plant: Plant, engine: Engine, desk: Desk, console: Console) -> None:
        self._plant = plant
        self._engine = engine
        self._desk = desk
        self._counter = Counter(plant, desk)
        self._console = console
        self._loop = asyncio.Runner()  # the locks of a connection belong to one loop

    def close(self) -> None:
        """Release the database and the connection to the plant."""
        self._loop.close()
        self._engine.dispose()

    def print_list(self, every: bool, as_json: bool) -> None:
        """The open proposals, or all of them, one line each."""
        self._desk.expire_due()
        records = self._records(tuple(State) if every else tuple(OPEN))
        if as_json:
            print(json.dumps([self._row(record) for record in records]))
            return
        if not records:
            self._console.print("Nothing is proposed.")
            return
        grid = Table.grid(padding=(0, 2))
        for name in ("number", "state", "says", "proposer", "valid until"):
            grid.add_column(no_wrap=name != "says", overflow="fold")
        for record in records:
            grid.add_row(*self._line(record))
        self._console.print(grid)

    def print_card(self, number: int, as_json: bool = False) -> Shown:
        """The proposal with the plant as it is now."""
        shown = self._run(self._counter.show(number))
        card = self._run(self._counter.card(shown.record, shown.observed))
        if as_json:
            print(json.dumps(dataclasses.asdict(card)))
        else:
            print_card(self._console, card)
            self._warn_of_stop()
        return shown

    def _warn_of_stop(self) -> None:
        stop = self._desk.stopped()
        if stop is not None:
            why = f"changes are stopped by {stop.by}: {stop.reason}"
            self._console.print(Text(printable(f"! {why}; until released nothing is done"), ALERT))

    def print_outcome(self, record: Record) -> None:
        """Where the proposal stands now."""
        note = f": {printable(record.note)}" if record.note else ""
        self._console.print(Text(f"#{record.number} is {record.state}{note}"))

    def approve(self, shown: Shown, account: str, password: str, reason: str) -> Record:
        """Approve what was shown, if the plant is still as it was on the card."""
        return self._run(self._counter.approve(shown, Said(account, password, reason)))

    def confirm(self, shown: Shown, account: str, password: str, reason: str) -> Record:
        """Confirm what was shown, if the plant is still as it was on the card."""
        return self._run(self._counter.confirm(shown, Said(account, password, reason)))

    def reject(self, number: int, account: str, password: str, reason: str) -> Record:
        """Reject a proposal."""
        record = self._desk.get(number)
        return self._run(self._counter.reject(record, Said(account, password, reason)))

    def withdraw(self, number: int, account: str, password: str, reason: str) -> Record:
        """Withdraw a proposal as the account that made it."""
        self._sign_in(account, password)
        return self._run(self._counter.withdraw(number, account, reason))

    def undo(self, number: int, account: str, password: str) -> Record:
        """Propose the reverse of a change that took effect."""
        actor = self._sign_in(account, password)
        return self._run(self._counter.undo(number, actor))

    def resolve(
        self, number: int, account: str, password: str, applied: bool, evidence: str
    ) -> Record:
        """Settle a change whose result is unknown."""
        said = Said(account, password, evidence)
        return self._run(self._counter.resolve(self._desk.get(number), said, applied))

    def reset_breaker(self, name: str, account: str, password: str) -> None:
        """Let an account propose again."""
        self._run(self._counter.reset_breaker(name, account, password))

    def _sign_in(self, account: str, password: str) -> Actor:
        sign_in = SignIn(self._engine, self._desk.accounts, self._plant.now)
        return sign_in.sign_in(account, password)

    def _run(self, asked: Coroutine[Any, Any, T]) -> T:
        """An answer of the counter; the connection to the plant is not kept while people read."""

        async def once() -> T:
            try:
                return await asked
            finally:
                await self._plant.telemetry.close()

        return self._loop.run(once())

    def _records(self, states: tuple[State, ...]) -> list[Record]:
        records: list[Record] = []
        while page := self._desk.list(states, PAGE, records[-1].number if records else 0):
            records += page
        return records

    def _line(self, record: Record) -> Iterator[Text]:
        proposal = record.proposal
        mark = "RETRIEVED TEXT  " if proposal.tainted else ""
        expires = format_time(proposal.expires, self._plant.site.time_zone)
        yield Text(f"#{record.number}", style="bold")
        yield Text(record.state)
        yield Text.assemble((mark, ALERT), printable(headline(proposal.change)))
        yield Text(printable(proposal.proposer))
        yield Text(expires)

    def _row(self, record: Record) -> dict[str, Any]:
        proposal = record.proposal
        return {
            "number": record.number,
            "state": str(record.state),
            "says": headline(proposal.change),
            "proposer": proposal.proposer,
            "valid until": format_time(proposal.expires, self._plant.site.time_zone),
            "approvals needed": record.approvals_needed,
            "tainted": proposal.tainted,
        }


def print_card(console: Console, card: Card) -> None:
    """The card: a warning first, then what the machine knows, then what somebody said."""
    if card.tainted:
        names = ", ".join(card.tainted)
        console.print(Text(f"WARNING: {names} came from retrieved text, not from a person", ALERT))
    console.print(Text(f"#{card.number} {card.state}  {card.says}", style="bold"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for fact in card.facts:
        style = ALERT if fact.alert else ""
        grid.add_row(Text(f"  {fact.label}", style="dim"), Text(fact.text, style))
    console.print(grid)
    for line in card.differences:
        console.print(Text(f"! {line}", ALERT))
    if card.words:
        console.print(Text(f"  reason given, from {card.origin}:", style="dim"))
        console.print(Padding(Text(f"“{card.words}”", style="italic"), (0, 2)))
