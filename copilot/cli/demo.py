"""`copilot demo`: the demo plant as its own process, and a copilot that is connected to it."""

import json as json_text
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from copilot.settings import (
    APP,
    DatabaseSettings,
    HistorySettings,
    OpcUaSettings,
    Settings,
)

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


def demo_settings(home: Path, url: str, cache: Path | None = None) -> Settings:
    """The settings of a copilot that asks the demo plant in `home` at the OPC UA `url`."""
    extra = {"cache": cache} if cache else {}
    return Settings(
        plant=home / "plant.toml",
        manuals=home / "manuals",
        images=home / "images",
        opcua=OpcUaSettings(url=url),
        database=DatabaseSettings(
            plant=f"sqlite:///{home / 'plant.db'}", own=f"sqlite:///{home / 'copilot.db'}"
        ),
        history=HistorySettings(path=home / "history"),
        **extra,
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


@contextmanager
def demo_plant(home: Path) -> Iterator[str]:
    """The demo plant's server in a process of its own; gives the URL, stops it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "copilot.demo", "--home", str(home), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        yield _wait_until_ready(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _wait_until_ready(process: "subprocess.Popen[str]") -> str:
    """The endpoint that the server prints; later lines are read and dropped by a thread."""
    from copilot.demo.home import DemoError

    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready "):
            threading.Thread(target=_drain, args=(process,), daemon=True).start()
            return line.removeprefix("ready ").strip()
    raise DemoError(f"the demo plant stopped at once, exit code {process.wait()}")


def _drain(process: "subprocess.Popen[str]") -> None:
    try:
        for _ in process.stdout or ():
            pass
    except ValueError:
        return
