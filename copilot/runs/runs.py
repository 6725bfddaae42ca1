"""Runs of turns: started once, kept as they happen, followed by whoever listens.

A run is a task of the server: it goes on when the browser that asked has gone. What happens is
kept first and told then, so that nobody is ever told what a reload would not show.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from functools import partial
from uuid import uuid4

from sqlalchemy import Engine

from copilot.actor import Actor
from copilot.agent import Agent
from copilot.events import Event, Noticed
from copilot.message import clean_message
from copilot.runs import feedback, store
from copilot.runs.feedback import Rating
from copilot.runs.live import LiveRun
from copilot.runs.store import NoSuchRun, Run, RunState
from copilot_tools.errors import Retry, Unavailable

LONGEST_KEY = 80

STOPPED = "Stopped."
SHUT_DOWN = "The copilot was stopped while it answered; please ask again."
UNFORESEEN = "Something went wrong while this was answered; it has been logged."

_LOG = logging.getLogger("copilot.runs")


class Runs:
    """The runs of all conversations."""

    def __init__(self, agent: Agent, engine: Engine, now: Callable[[], datetime]) -> None:
        self._agent = agent
        self._engine = engine
        self._now = now
        self.patience_s = 0.0  # how long turns may go on when all ends
        self._live: dict[str, LiveRun] = {}
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._why: dict[str, str] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let runs go on while the application runs; at the end they are stopped, in a while."""
        await asyncio.to_thread(store.lose_all, self._engine)
        try:
            yield
        finally:
            if self._turns and self.patience_s:
                await asyncio.wait(self._turns.values(), timeout=self.patience_s)
            for run in list(self._turns):
                self._cancel(run, SHUT_DOWN)
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def start(self, actor: Actor, conversation: str, text: str, key: str) -> Run:
        """Begin to answer a message; the same account and key give the same run.

        Raises Retry for what cannot be asked and while the conversation's last run goes on,
        NoSuchConversation where it is not this person's.
        """
        message = clean_message(text)
        if len(key) > LONGEST_KEY or not key.isprintable():
            raise Retry(f"a key has at most {LONGEST_KEY} printable characters")
        run = store.new_run(conversation, actor.name, message, self._now())
        beginning = asyncio.create_task(self._begin(run, actor, key or uuid4().hex))
        self._hold(beginning)
        # Whoever asked may be gone before the run is kept; it must not be kept and never begun.
        return await asyncio.shield(beginning)

    async def stop(self, run_id: str, account: str) -> Run:
        """Stop a run of this account; one that is over stays as it is. Raises NoSuchRun."""
        run = await self.get(run_id)
        if run.account != account:
            raise NoSuchRun
        live = self._live.get(run_id)
        self._cancel(run_id, STOPPED)
        if live is not None:
            async for _ in live.follow(len(live.told)):
                pass
        return await self.get(run_id)

    async def get(self, run_id: str) -> Run:
        """The run with this id; raises NoSuchRun."""
        return await asyncio.to_thread(store.find, self._engine, run_id)

    async def of(self, conversation: str) -> list[Run]:
        """The runs of a conversation, oldest first."""
        return await asyncio.to_thread(store.runs_of, self._engine, conversation)

    async def events(self, run_id: str) -> list[tuple[int, Event]]:
        """What was kept of a run so far: events with their numbers, from 1."""
        return (await self.events_of([run_id]))[run_id]

    async def events_of(self, runs: list[str]) -> dict[str, list[tuple[int, Event]]]:
        """The same of several runs, at once."""
        return await asyncio.to_thread(store.events_of, self._engine, runs)

    async def follow(self, run_id: str, after: int) -> AsyncGenerator[tuple[int, Event], None]:
        """The kept events after that number, then those that happen, until the run is over.

        Close it when no more is wanted.
        """
        live = self._live.get(run_id)
        if live is not None:
            async with aclosing(live.follow(after)) as told:
                async for numbered in told:
                    yield numbered
            return
        for seq, event in await self.events(run_id):
            if seq > after:
                yield seq, event

    async def rate(self, run_id: str, account: str, right: bool, why: str) -> None:
        """Keep what the person who asked thinks of an answer; a later word replaces it.

        Raises NoSuchRun.
        """
        if (await self.get(run_id)).account != account:
            raise NoSuchRun
        rating = Rating(right, why)
        await asyncio.to_thread(feedback.rate, self._engine, run_id, account, rating, self._now())

    async def ratings(self, runs: list[str], account: str) -> dict[str, Rating]:
        """What a person said about some runs."""
        return await asyncio.to_thread(feedback.ratings, self._engine, runs, account)

    async def _begin(self, run: Run, actor: Actor, key: str) -> Run:
        kept = await asyncio.to_thread(store.begin, self._engine, run, key, tuple(self._live))
        if kept.id != run.id:
            return kept
        live = self._live[run.id] = LiveRun()
        turn = self._turns[run.id] = asyncio.create_task(self._turn(live, run, actor))
        turn.add_done_callback(partial(self._over, live, run.id))
        self._hold(asyncio.create_task(self._keep(live, run.id)))
        return kept

    async def _turn(self, live: LiveRun, run: Run, actor: Actor) -> None:
        async with aclosing(self._agent.turn(actor, run.conversation, run.text, run.id)) as turn:
            async for event in turn:
                live.happened(event)

    def _over(self, live: LiveRun, run_id: str, turn: asyncio.Task[None]) -> None:
        """How the turn ended; whatever it was, those who follow hear of it."""
        del self._turns[run_id]
        why = self._why.pop(run_id, STOPPED)
        state = RunState.ENDED
        if turn.cancelled():
            if not live.ended:
                state = RunState.STOPPED
                live.happened(Noticed(why))
        elif (error := turn.exception()) is not None:
            _LOG.error("unforeseen error in run %s", run_id, exc_info=error)
            if not live.ended:
                live.happened(Noticed(UNFORESEEN))
        live.end(state)

    async def _keep(self, live: LiveRun, run_id: str) -> None:
        """Keep and tell what happens, many events at once when they come quickly."""
        said, over = False, False
        while not over:
            await live.arrived.wait()
            events, state = live.take(), live.state
            over = state is not RunState.RUNNING
            try:
                await asyncio.to_thread(store.keep, self._engine, run_id, events, state)
            except Unavailable as error:
                # Better told and not kept than not told; a reload will show it as lost.
                _LOG.error("run %s cannot be kept: %s", run_id, error)
                if not said and not over:
                    live.happened(Noticed(f"This answer cannot be kept: {error}."))
                said = True
            if over:
                del self._live[run_id]
            live.tell(events, over=over)

    def _cancel(self, run_id: str, why: str) -> None:
        turn = self._turns.get(run_id)
        if turn is not None and run_id not in self._why:
            self._why[run_id] = why
            turn.cancel()

    def _hold(self, task: asyncio.Task[object]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
