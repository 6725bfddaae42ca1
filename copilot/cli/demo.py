"""`copilot demo`: the demo plant as its own process, and a copilot that is connected to it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_data_path

from copilot.demo.progress import Step, shown_progress
from copilot.settings import APP

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


def run_demo(
    questions: Sequence[str], home: Path | None, seed: int, reset: bool, user: str, as_json: bool
) -> int:
    """Prepare and start the demo plant and its executor, then chat with it or answer questions."""
    from copilot.demo.site import demo_actor, demo_settings

    actor = demo_actor(user)
    home = (home or user_data_path(APP) / "demo").absolute()
    with shown_progress() as step:
        _prepare_plant(home, seed, reset, step)
        _prepare_model(step)
    from copilot.app import bootstrap
    from copilot.cli.chat import Session, run_chat, run_questions
    from copilot.demo.process import running_demo

    with running_demo(home) as url:
        copilot = bootstrap(demo_settings(home, url))
        session = Session(copilot, actor, home / "copilot.toml")
        if questions:
            return run_questions(session, questions, as_json)
        return run_chat(session, SUGGESTIONS)


def _prepare_plant(home: Path, seed: int, reset: bool, step: Step) -> None:
    from copilot.demo.home import discard, prepare

    if reset:
        discard(home)
    prepare(home, seed=seed, now=datetime.now(UTC), progress=step)


def _prepare_model(step: Step) -> None:
    from copilot.llm.weights import prepare_weights
    from copilot.settings import Settings

    prepare_weights(Settings().cache, lambda share: step("Preparing the model", share))
