"""Runs the demo plant's server as a process of its own, and says how to connect to it."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from copilot.demo.home import DemoError
from copilot.settings import DatabaseSettings, HistorySettings, OpcUaSettings, Settings


def demo_settings(home: Path, url: str, cache: Path | None = None) -> Settings:
    """The settings of a copilot that asks the demo plant in `home` at the OPC UA `url`."""
    return Settings(
        plant=home / "plant.toml",
        manuals=home / "manuals",
        images=home / "images",
        opcua=OpcUaSettings(url=url),
        database=DatabaseSettings(
            plant=f"sqlite:///{home / 'plant.db'}", own=f"sqlite:///{home / 'copilot.db'}"
        ),
        history=HistorySettings(path=home / "history"),
        **({"cache": cache} if cache else {}),
    )


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
