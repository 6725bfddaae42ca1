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
        cache=cache or Settings().cache,
    )


@contextmanager
def demo_plant(home: Path) -> Iterator[str]:
    """The demo plant's server, running; gives its URL and stops it at the end."""
    with starting_demo_plant(home) as plant:
        yield plant.wait_until_ready()


@contextmanager
def starting_demo_plant(home: Path) -> Iterator["DemoProcess"]:
    """The demo plant's server as it starts, so that other work can be done meanwhile."""
    plant = DemoProcess(home)
    try:
        yield plant
    finally:
        plant.stop()


class DemoProcess:
    """The process of a demo plant's server."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "copilot.demo",
                "--home",
                str(home),
                "--port",
                "0",
                "--attached",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def wait_until_ready(self) -> str:
        """The endpoint that the server prints; raises DemoError when it ends instead."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("ready "):
                threading.Thread(target=self._drain, daemon=True).start()
                return line.removeprefix("ready ").strip()
        raise DemoError(f"the demo plant stopped at once, exit code {self._process.wait()}")

    def stop(self) -> None:
        """End the server; kill it when it does not within ten seconds."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _drain(self) -> None:
        """Read and drop later lines, so that the server never waits for a reader."""
        try:
            for _ in self._process.stdout or ():
                pass
        except ValueError:
            return
