"""Conversations kept in the own database, so that a follow-up knows what was asked before."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import SQLAlchemyError

from copilot import db, tables
from copilot.actor import Actor
from copilot.llm.planner import PlannedTurn
from copilot_tools.errors import Unavailable
from copilot_tools.tool import Call

REMEMBERED = 60

T = TypeVar("T")


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
