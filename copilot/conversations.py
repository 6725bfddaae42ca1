"""Conversations kept in the own database, so that a follow-up knows what was asked before."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Select,
    case,
    exists,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from copilot import db, tables
from copilot.actor import Actor
from copilot.llm.planner import PlannedTurn
from copilot_tools.errors import Unavailable
from copilot_tools.tool import Call

REMEMBERED = 60

LISTED = 20
LONGEST_SEARCH = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list: `title` is what was asked first, `last` when it went on (UTC)."""

    id: str
    title: str
    last: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """One turn in words: what was asked, what was answered, and when (UTC)."""

    asked: datetime
    text: str
    answer: str


class Conversations:
    """The conversations of all users; every method raises Unavailable when the database fails."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._ready = False

    async def start(self, actor: Actor) -> str:
        """Begin a conversation and return its id."""
        key = uuid4().hex
        row = {"id": key, "actor": actor.name, "started": db.stamp(self._now())}
        await self._run(lambda c: c.execute(insert(tables.conversations).values(row)))
        return key

    async def latest(self, actor: Actor) -> str | None:
        """The id of the conversation this person began last."""
        query = (
            select(tables.conversations.c.id)
            .where(tables.conversations.c.actor == actor.name)
            .order_by(tables.conversations.c.started.desc())
            .limit(1)
        )
        return await self._run(lambda c: c.execute(query).scalar())

    async def owner(self, conversation: str) -> str | None:
        """Who began a conversation; None when there is no such one."""
        c = tables.conversations.c
        query = select(c.actor).where(c.id == conversation)
        return await self._run(lambda connection: connection.execute(query).scalar())

    async def of(
        self, actor: Actor, words: str = "", skip: int = 0, most: int = LISTED
    ) -> list[Listed]:
        """This person's conversations in which something was said, newest first.

        With `words`, those in which they stand in a question or an answer.
        """
        query = _listed(actor.name, words.strip()[:LONGEST_SEARCH]).offset(skip).limit(most)
        rows = await self._run(lambda c: c.execute(query).all())
        return [Listed(row.id, row.title, db.unstamp(row.last)) for row in rows]

    async def said(self, conversation: str) -> list[Said]:
        """The turns of a conversation in words, oldest first."""
        c = tables.turns.c
        query = select(c.asked, c.text, c.answer).where(c.conversation == conversation)
        rows = await self._run(lambda x: x.execute(query.order_by(c.number)).all())
        return [Said(db.unstamp(row.asked), row.text, row.answer) for row in rows]

    async def history(self, conversation: str) -> list[PlannedTurn]:
        """The newest turns of a conversation, oldest first."""
        query = (
            select(tables.turns.c.text, tables.turns.c.calls, tables.turns.c.mentions)
            .where(tables.turns.c.conversation == conversation)
            .order_by(tables.turns.c.number.desc())
            .limit(REMEMBERED)
        )
        rows = await self._run(lambda c: c.execute(query).all())
        return [
            PlannedTurn(
                user=row.text,
                calls=tuple(Call(call["tool"], call["arguments"]) for call in row.calls),
                mentions=tuple(row.mentions),
            )
            for row in reversed(rows)
        ]

    async def answers(self, conversation: str) -> list[str]:
        """What the newest turns of a conversation were answered, oldest first."""
        query = (
            select(tables.turns.c.answer)
            .where(tables.turns.c.conversation == conversation)
            .order_by(tables.turns.c.number.desc())
            .limit(REMEMBERED)
        )
        rows = await self._run(lambda c: c.execute(query).scalars().all())
        return list(reversed(rows))

    async def record(self, conversation: str, turn: PlannedTurn, answer: str) -> None:
        """Append one turn to a conversation."""
        calls = [{"tool": call.tool, "arguments": dict(call.arguments)} for call in turn.calls]
        row = {
            "conversation": conversation,
            "asked": db.stamp(self._now()),
            "text": turn.user,
            "calls": calls,
            "mentions": list(turn.mentions),
            "answer": answer,
        }
        await self._run(lambda c: _append(c, row))

    async def _run(self, work: Callable[[Connection], T]) -> T:
        def transact() -> T:
            if not self._ready:
                db.migrate(self._engine)
                self._ready = True
            with self._engine.execution_options(writes=True).begin() as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(transact)
        except (SQLAlchemyError, OSError) as error:
            why = str(getattr(error, "orig", error)).partition("\n")[0]
            raise Unavailable("the conversation database", why) from error


def _append(connection: Connection, row: dict[str, object]) -> None:
    newest = select(tables.turns.c.number).where(tables.turns.c.conversation == row["conversation"])
    number = connection.execute(newest.order_by(tables.turns.c.number.desc()).limit(1)).scalar()
    connection.execute(insert(tables.turns).values({**row, "number": (number or 0) + 1}))


def _listed(name: str, words: str) -> Select[tuple[str, str, datetime]]:
    conversations, turns, runs = tables.conversations.c, tables.turns.c, tables.runs.c
    ours = (turns.conversation == conversations.id, runs.conversation == conversations.id)
    first_turn = select(turns.text).where(ours[0]).order_by(turns.number).limit(1)
    first_run = select(runs.text).where(ours[1]).order_by(runs.number).limit(1)
    title = func.coalesce(first_run.scalar_subquery(), first_turn.scalar_subquery())
    turned = select(func.max(turns.asked)).where(ours[0]).scalar_subquery()
    began = select(func.max(runs.started)).where(ours[1]).scalar_subquery()
    last = case((turned > began, turned), else_=func.coalesce(began, turned)).label("last")
    query = select(conversations.id, title.label("title"), last)
    query = query.where(conversations.actor == name, title.is_not(None))
    if words:
        in_turns = or_(_holds(turns.text, words), _holds(turns.answer, words))
        in_runs = _holds(runs.text, words)
        query = query.where(
            or_(exists().where(ours[0], in_turns), exists().where(ours[1], in_runs))
        )
    return query.order_by(last.desc(), conversations.id)


def _holds(column: Column[str], words: str) -> ColumnElement[bool]:
    return column.icontains(words, autoescape=True)
