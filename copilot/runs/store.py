"""Runs and their events in the own database; every function is one transaction, and blocks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from copilot import tables
from copilot.db import reading, stamp, unstamp, writing
from copilot.events import Event
from copilot.runs.codec import read_event, write_event
from copilot_tools.errors import Retry

STILL_ANSWERING = "Your last question is still being answered; wait for it, or stop it."


class RunState(StrEnum):
    """How far a run is; `lost` when the server was killed while it went on."""

    RUNNING = "running"
    ENDED = "ended"
    STOPPED = "stopped"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Run:
    """One question and its answering: asked by `account`, begun at `started` (UTC)."""

    id: str
    conversation: str
    account: str
    text: str
    state: RunState
    started: datetime


class NoSuchRun(Retry):
    """There is no such run, or it is not for this person to see."""

    def __init__(self) -> None:
        super().__init__("there is no such question")


class NoSuchConversation(Retry):
    """There is no such conversation, or it is not for this person to see."""

    def __init__(self) -> None:
        super().__init__("there is no such conversation")


def begin(engine: Engine, run: Run, key: str, going: Collection[str]) -> Run:
    """Keep a new run, or find the one that this account began with this key.

    Runs of the conversation that are not `going` in this server any more are put down as lost.
    Raises NoSuchConversation for somebody else's, Retry while another run of it goes on.
    """
    c = tables.runs.c
    with writing(engine) as connection:
        known = select(tables.runs).where(c.account == run.account, c.key == key)
        row = connection.execute(known).one_or_none()
        if row is not None:
            return _run(row)
        _check_owner(connection, run)
        open_ones = select(c.id).where(
            c.conversation == run.conversation, c.state == RunState.RUNNING
        )
        running = set(connection.execute(open_ones).scalars())
        if running & set(going):
            raise Retry(STILL_ANSWERING)
        _lose(connection, c.id.in_(running))
        newest = select(func.max(c.number)).where(c.conversation == run.conversation)
        connection.execute(
            insert(tables.runs).values(
                id=run.id,
                conversation=run.conversation,
                number=(connection.execute(newest).scalar() or 0) + 1,
                account=run.account,
                key=key,
                text=run.text,
                state=run.state,
                started=stamp(run.started),
            )
        )
    return run


def new_run(conversation: str, account: str, text: str, at: datetime) -> Run:
    """A run that begins now."""
    return Run(uuid4().hex, conversation, account, text, RunState.RUNNING, at)


def keep(engine: Engine, run: str, events: Sequence[tuple[int, Event]], state: RunState) -> None:
    """Append events to a run, and put down its state."""
    rows = [{"run": run, "seq": seq, "event": write_event(event)} for seq, event in events]
    with writing(engine) as connection:
        if rows:
            connection.execute(insert(tables.run_events), rows)
        if state is not RunState.RUNNING:
            where = tables.runs.c.id == run
            connection.execute(update(tables.runs).where(where).values(state=state))


def lose_all(engine: Engine) -> None:
    """Put down as lost what a server left running; only this server may be at this database."""
    with writing(engine) as connection:
        _lose(connection, tables.runs.c.state == RunState.RUNNING)


def find(engine: Engine, run: str) -> Run:
    """The run with this id; raises NoSuchRun."""
    with reading(engine) as connection:
        query = select(tables.runs).where(tables.runs.c.id == run)
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NoSuchRun
    return _run(row)


def runs_of(engine: Engine, conversation: str) -> list[Run]:
    """The runs of a conversation, oldest first."""
    c = tables.runs.c
    query = select(tables.runs).where(c.conversation == conversation).order_by(c.number)
    with reading(engine) as connection:
        return [_run(row) for row in connection.execute(query)]


def events_of(engine: Engine, runs: Sequence[str]) -> dict[str, list[tuple[int, Event]]]:
    """The events of some runs, in the order in which they happened."""
    c = tables.run_events.c
    query = select(tables.run_events).where(c.run.in_(runs)).order_by(c.run, c.seq)
    found: dict[str, list[tuple[int, Event]]] = {run: [] for run in runs}
    with reading(engine) as connection:
        for row in connection.execute(query):
            found[row.run].append((row.seq, read_event(row.event)))
    return found


def _check_owner(connection: Connection, run: Run) -> None:
    c = tables.conversations.c
    owner = connection.execute(select(c.actor).where(c.id == run.conversation)).scalar()
    if owner != run.account:
        raise NoSuchConversation


def _lose(connection: Connection, which: Any) -> None:
    connection.execute(update(tables.runs).where(which).values(state=RunState.LOST))


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        conversation=row.conversation,
        account=row.account,
        text=row.text,
        state=RunState(row.state),
        started=unstamp(row.started),
    )
