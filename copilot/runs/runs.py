"""Runs of turns: started once, kept as they happen, followed by whoever listens."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import Engine

from copilot.agent import Agent


class Runs:
    """The runs of all conversations."""

    def __init__(self, agent: Agent, engine: Engine, now: Callable[[], datetime]) -> None:
        self._agent = agent
        self._engine = engine
        self._now = now

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let runs go on while the application runs; at the end they are stopped."""
        yield
