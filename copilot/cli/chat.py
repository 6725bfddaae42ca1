"""The terminal conversation, and answering questions from a script."""

import asyncio
import dataclasses
import getpass
import io
import json
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from platformdirs import user_state_path
from rich.console import Console
from rich.text import Text

from copilot.actor import Actor, Role
from copilot.app import Copilot
from copilot.cli.render import Renderer
from copilot.events import Answered, Event
from copilot.settings import APP, Settings
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Findings

T = TypeVar("T")

GOODBYE = frozenset(("exit", "quit", "bye", "/exit", "/quit"))


@dataclass(frozen=True, slots=True)
class Session:
    """Who talks to which copilot; `config` is the file that `copilot approvals` needs, if any."""

    copilot: Copilot
    actor: Actor
    config: Path | None = None

    def renderer(self, console: Console) -> Renderer:
        """What shows the turns of this session."""
        decide = "copilot approvals {}" + (f" --config {self.config}" if self.config else "")
        return Renderer(console, self.copilot.plant.site.time_zone, decide, self.actor.name)


def run_chat(
    session: Session,
    suggestions: Sequence[str],
    *,
    resume: bool = False,
    beside: AbstractAsyncContextManager[str] | None = None,
) -> int:
    """Converse until the user leaves; exit code 0. `resume` goes on with the last conversation.

    `beside` goes on meanwhile and gives the address of the pages.
    """
    chat = _chat(session, suggestions, resume, beside or nullcontext(""))
    asyncio.run(_closing(session.copilot, chat))
    return 0


def run_questions(session: Session, questions: Sequence[str], as_json: bool) -> int:
    """Answer the questions as one conversation; exit code 1 when one found nothing at all."""
    return asyncio.run(_closing(session.copilot, _questions(session, questions, as_json)))


def identify(settings: Settings, user: str | None, password_stdin: bool) -> Actor:
    """Who is asking: the account `user` after its password, or else whoever is logged in here.

    Without an account one may read and ask, not propose. Raises Denied when the password is wrong.
    """
    if user is None:
        return Actor(getpass.getuser(), Role.OPERATOR)
    from copilot import db
    from copilot.accounts.accounts import Accounts
    from copilot.accounts.sign_in import SignIn
    from copilot.cli.user import read_password
    from copilot.plant import utc_now
    from copilot_tools.site.load import load_site

    password = read_password(password_stdin)
    engine = db.open_database(settings.database.own)
    try:
        db.migrate(engine)
        accounts = Accounts(engine, load_site(settings.plant), utc_now)
        return SignIn(engine, accounts, utc_now).sign_in(user, password)
    finally:
        engine.dispose()


async def _closing(copilot: Copilot, work: Coroutine[None, None, T]) -> T:
    try:
        return await work
    finally:
        await copilot.close()


async def _chat(
    session: Session,
    suggestions: Sequence[str],
    resume: bool,
    beside: AbstractAsyncContextManager[str],
) -> None:
    async with beside as pages:
        console = Console()
        site = session.copilot.plant.site
        title = f"{site.name}: ask about its machines, orders and manuals."
        console.print(Text(title, style="bold"))
        if pages:
            console.print(Text(f"Its pages, also for approvals, are at {pages}"))
        await _converse(session, console, suggestions, resume)


async def _converse(
    session: Session, console: Console, suggestions: Sequence[str], resume: bool
) -> None:
    if suggestions:
        console.print("For example:", style="dim")
        for suggestion in suggestions:
            console.print(Text(f"  {suggestion}", style="cyan"))
    console.print("Leave with Ctrl-D or `exit`.", style="dim")
    warming = asyncio.create_task(session.copilot.warm())
    conversation = await _start(session, resume)
    renderer = session.renderer(console)
    async for text in _lines():
        if text.strip().lower() in GOODBYE:
            break
        await _answer(session, conversation, text, renderer)
    warming.cancel()
    await asyncio.gather(warming, return_exceptions=True)


async def _answer(session: Session, conversation: str, text: str, renderer: Renderer) -> None:
    """Show one turn; Ctrl-C stops the turn, not the conversation."""
    turn = asyncio.create_task(_show(session, conversation, text, renderer))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, turn.cancel)
    try:
        await turn
    except asyncio.CancelledError:
        print("stopped")
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _show(session: Session, conversation: str, text: str, renderer: Renderer) -> None:
    async for event in session.copilot.agent.turn(session.actor, conversation, text):
        renderer.show(event, session.copilot.plant.now())


async def _lines() -> AsyncIterator[str]:
    """What the user types, line by line; with history and editing on a real terminal."""
    if not sys.stdin.isatty():
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        for line in sys.stdin:
            if line.strip():
                yield line
        return
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory

    history = FileHistory(str(user_state_path(APP, ensure_exists=True) / "history"))
    session: PromptSession[str] = PromptSession(history=history)
    while True:
        try:
            yield await session.prompt_async("> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


async def _questions(session: Session, questions: Sequence[str], as_json: bool) -> int:
    renderer = session.renderer(Console())
    conversation = await _start(session)
    copilot = session.copilot
    answered = True
    for question in questions:
        async for event in copilot.agent.turn(session.actor, conversation, question):
            if as_json:
                _print_json(question, event)
            else:
                renderer.show(event, copilot.plant.now())
            if isinstance(event, Answered):
                found = [isinstance(o.result, Findings) for o in event.outcomes]
                answered = answered and any(found)
    return 0 if answered else 1


async def _start(session: Session, resume: bool = False) -> str:
    """A conversation id; without a database the conversation is not remembered, and said so."""
    conversations = session.copilot.conversations
    try:
        last = await conversations.latest(session.actor) if resume else None
        return last or await conversations.start(session.actor)
    except Unavailable as error:
        print(f"This conversation will not be remembered: {error}", file=sys.stderr)
        return ""


def _print_json(question: str, event: Event) -> None:
    if isinstance(event, Answered):
        record = {"question": question, **dataclasses.asdict(event)}
        print(json.dumps(record, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
