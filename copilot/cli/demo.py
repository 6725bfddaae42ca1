"""`copilot demo`: the demo plant as its own process, and a copilot that is connected to it."""

from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_data_path
from rich.console import Console

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
)


def run_demo(
    questions: Sequence[str], home: Path | None, seed: int, reset: bool, as_json: bool
) -> int:
    """Prepare and start the demo plant, then chat with it or answer `questions`."""
    from copilot.app import bootstrap
    from copilot.cli.chat import run_chat, run_questions

    home = (home or user_data_path(APP) / "demo").absolute()
    progress = Console(stderr=True)
    _prepare_plant(home, seed, reset, progress)
    with demo_plant(home) as url:
        settings = demo_settings(home, url)
        _prepare_model(settings, progress)
        copilot = bootstrap(settings)
        if questions:
            return run_questions(copilot, questions, as_json)
        return run_chat(copilot, SUGGESTIONS)
