"""Where people and the desk meet in the terminal: shows cards, hands over what is decided."""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from copilot.accounts.sign_in import SignIn
from copilot.accounts.step_up import Meaning
from copilot.approvals.breaker import reset_subject
from copilot.approvals.card import Background, Card, build_card
from copilot.approvals.desk import Desk
from copilot.approvals.headline import headline
from copilot.approvals.open_desk import open_desk
from copilot.approvals.states import OPEN, State
from copilot.approvals.store import Record
from copilot.db import open_database
from copilot.plant import open_plant, utc_now
from copilot.settings import Settings, SettingsError
from copilot_tools.changes import Target
from copilot_tools.display import format_time, printable
from copilot_tools.errors import Retry
from copilot_tools.plant import Plant
from copilot_tools.plant_state import Observation, differences, observe, preconditions

PAGE = 500
ALERT = "bold red"


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody was looking at when deciding: a proposal, and the plant around it."""

    record: Record
    observed: Observation


def open_counter(settings: Settings, now: Callable[[], datetime] = utc_now) -> "Counter":
    """The counter of a site; raises SettingsError where nothing may be proposed."""
    if settings.changes.mode == "read-only":
        raise SettingsError(
            'this copilot is read-only: nothing is proposed here (changes.mode = "propose" in the '
            "configuration would allow it)"
        )
    plant = open_plant(settings, now)
    engine = open_database(settings.database.own)
    return Counter(plant, engine, open_desk(settings, plant.site, engine, now), Console())


class Counter:
    """Commands of one terminal session; `close` it when done."""

    def __init__(self, plant: Plant, engine: Engine, desk: Desk, console: Console) -> None:
        self._plant = plant
        self._engine = engine
        self._desk = desk
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
        record = self._desk.get(number)
        observed = self._observe(record.proposal.change.target)
        card = self._card(record, observed)
        if as_json:
            print(json.dumps(dataclasses.asdict(card)))
        else:
            print_card(self._console, card)
            self._warn_of_stop()
        return Shown(record, observed)

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
        nonce = self._step_up(shown.record, account, password, "approve")
        observed = self._look_again(shown)
        return self._desk.approve(shown.record.number, account, nonce, reason, observed)

    def confirm(self, shown: Shown, account: str, password: str, reason: str) -> Record:
        """Confirm what was shown, if the plant is still as it was on the card."""
        nonce = self._step_up(shown.record, account, password, "confirm")
        observed = self._look_again(shown)
        return self._desk.confirm(shown.record.number, account, nonce, reason, observed)

    def reject(self, number: int, account: str, password: str, reason: str) -> Record:
        """Reject a proposal."""
        nonce = self._step_up(self._desk.get(number), account, password, "reject")
        return self._desk.reject(number, account, nonce, reason)

    def withdraw(self, number: int, account: str, password: str, reason: str) -> Record:
        """Withdraw a proposal as the account that made it."""
        self._sign_in().sign_in(account, password)
        return self._desk.withdraw(number, account, reason)

    def undo(self, number: int, account: str, password: str) -> Record:
        """Propose the reverse of a change that took effect."""
        actor = self._sign_in().sign_in(account, password)
        target = self._desk.get(number).proposal.change.target
        return self._desk.undo(number, actor, self._observe(target))

    def resolve(
        self, number: int, account: str, password: str, applied: bool, evidence: str
    ) -> Record:
        """Settle a change whose result is unknown."""
        meaning: Meaning = "resolve_applied" if applied else "resolve_not_applied"
        nonce = self._step_up(self._desk.get(number), account, password, meaning)
        return self._desk.resolve(number, account, nonce, applied, evidence)

    def reset_breaker(self, name: str, account: str, password: str) -> None:
        """Let an account propose again."""
        nonce = self._desk.step_ups.issue(account, password, reset_subject(name), "reset")
        self._desk.reset_breaker(name, account, nonce)

    def _sign_in(self) -> SignIn:
        return SignIn(self._engine, self._desk.accounts, self._plant.now)

    def _step_up(self, record: Record, account: str, password: str, meaning: Meaning) -> str:
        return self._desk.step_ups.issue(account, password, record.payload_hash, meaning)

    def _card(self, record: Record, observed: Observation) -> Card:
        undoes = record.proposal.undoes
        background = Background(
            approvals=self._desk.approvals(record.number),
            rules=self._desk.rules(record.number),
            undoes=self._desk.get(undoes) if undoes else None,
            observed=observed,
            at=self._plant.now(),
        )
        return build_card(self._plant.site, record, background)

    def _look_again(self, shown: Shown) -> Observation:
        """The plant at the moment of deciding, which may be minutes after the card was shown."""
        now = self._observe(shown.record.proposal.change.target)
        changed = differences(preconditions(self._plant.site, shown.observed), now)
        if changed:
            raise Retry(f"while you were reading, {'; '.join(changed)}; look again")
        return now

    def _observe(self, target: Target) -> Observation:
        async def once() -> Observation:
            try:
                return await observe(self._plant, target)
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
