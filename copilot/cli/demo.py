"""`copilot demo`: the demo plant as its own process, and a copilot that is connected to it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from copilot.demo.progress import Step, shown_progress
from copilot.settings import APP

if TYPE_CHECKING:
    from copilot.app import Copilot
    from copilot.settings import Settings

SUGGESTIONS = (
    "How is feed pump A doing?",
    "Show the DE bearing vibration of P-101 over the last 7 days",
    "Which alarms are active?",
    "How long will the DE bearing of P-101 last?",
    "Why does capper 1 make loose caps?",
    "What is the tightening torque of the seal cover on the feed pump?",
    "Do we have a 6309 bearing in stock, and are there open work orders for P-101?",
    "What was the OEE of line 1 this week?",
    "Set feed pump A to 2850 rpm",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the demo is started for: to answer `questions`, to serve pages, or to chat as `user`.

    Without a `port` there are no pages.
    """

    questions: Sequence[str]
    user: str
    as_json: bool = False
    pages_only: bool = False
    port: int | None = None


def run_demo(wish: Wish, home: Path | None, seed: int, reset: bool) -> int:
    """Prepare and start the demo plant and its executor, then do what is wished for."""
    from copilot.demo.site import demo_actor, demo_settings

    actor = demo_actor(wish.user)
    home = (home or user_data_path(APP) / "demo").absolute()
    with shown_progress() as step:
        _prepare_plant(home, seed, reset, step)
        _prepare_model(step)
        _prepare_manuals(home, step)
    from copilot.app import bootstrap
    from copilot.cli.chat import Session, run_chat, run_questions
    from copilot.demo.process import running_demo
    from copilot.web.watch.logs import configure_logs

    with running_demo(home) as url:
        settings = demo_settings(home, url)
        copilot = bootstrap(settings)
        session = Session(copilot, actor, home / "copilot.toml")
        if wish.questions:
            return run_questions(session, wish.questions, wish.as_json)
        configure_logs(file=None if wish.pages_only else home / "web.log")
        if wish.pages_only:
            return _serve(settings, copilot, wish.port)
        return run_chat(session, SUGGESTIONS, beside=_pages(settings, copilot, wish.port))


def _serve(settings: "Settings", copilot: "Copilot", port: int | None) -> int:
    """Only the pages, until told to stop."""
    from copilot.web.serve import serve

    settings, listening = _listen(settings, port)

    async def work() -> None:
        try:
            await serve(settings, copilot, listening, _guests())
        finally:
            await copilot.close()

    with listening:
        asyncio.run(work())
    return 0


@asynccontextmanager
async def _pages(settings: "Settings", copilot: "Copilot", port: int | None) -> AsyncIterator[str]:
    """The pages beside the terminal chat, in the same process and with the same model."""
    if port is None:
        yield ""
        return
    from copilot.web.serve import address, serving

    settings, listening = _listen(settings, port)
    with listening:
        async with serving(settings, copilot, listening, _guests()):
            yield address(settings.web, listening)


def _listen(settings: "Settings", port: int | None) -> "tuple[Settings, socket]":
    """A socket on this port of this machine, or on a free one where it is taken."""
    from copilot.web.serve import listen
    from copilot_tools.errors import Unavailable

    web = settings.web.model_copy(update={"port": port or 0})
    try:
        listening = listen(web)
    except Unavailable:
        web = web.model_copy(update={"port": 0})
        listening = listen(web)
    return settings.model_copy(update={"web": web}), listening


def _guests() -> tuple[str, ...]:
    """The demo's people; on its pages they sign in with one tap."""
    from copilot.demo.site import PEOPLE

    return tuple(name for name, _, _ in PEOPLE)


def _prepare_plant(home: Path, seed: int, reset: bool, step: Step) -> None:
    from copilot.demo.home import discard, prepare

    if reset:
        discard(home)
    prepare(home, seed=seed, now=datetime.now(UTC), progress=step)


def _prepare_manuals(home: Path, step: Step) -> None:
    from copilot.demo.site import demo_settings
    from copilot.plant import open_library

    # Their vectors are made beside the chat and the pages, which do not wait for them.
    open_library(demo_settings(home, ""), step).close()


def _prepare_model(step: Step) -> None:
    from copilot.llm.weights import prepare_weights
    from copilot.settings import Settings

    prepare_weights(Settings().cache, lambda share: step("Preparing the model", share))
