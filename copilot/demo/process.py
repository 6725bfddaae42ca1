"""Runs the demo plant's server and its executor as processes of their own."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from copilot.demo.home import DemoError
from copilot.demo.site import demo_settings, executor_file, settle_people

PATIENCE_S = 60.0


class ChildProcess:
    """A Python module run as a process that ends when we do and says when it is ready.

    What it writes to standard error goes to ours, or to the end of `log`.
    """

    def __init__(self, name: str, *arguments: str, log: Path | None = None) -> None:
        self._name = name
        self._log = log
        with ExitStack() as stack:
            errors = stack.enter_context(log.open("a", encoding="utf-8")) if log else None
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments, "--attached"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def wait_until_ready(self) -> str:
        """What the process prints after "ready"; raises DemoError when it does not come up."""
        assert self._process.stdout is not None
        given_up = threading.Timer(PATIENCE_S, self._process.kill)
        given_up.start()
        try:
            for line in self._process.stdout:
                if line.startswith("ready"):
                    threading.Thread(target=self._drain, daemon=True).start()
                    return line.removeprefix("ready").strip()
        finally:
            given_up.cancel()
        why = f"; {self._log} says why" if self._log else ""
        raise DemoError(f"{self._name} did not come up, exit code {self._process.wait()}{why}")

    def stop(self) -> None:
        """End the process; kill it when it does not within ten seconds."""
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
        """Read and drop later lines, so that the process never waits for a reader."""
        try:
            for _ in self._process.stdout or ():
                pass
        except ValueError:
            return


def start_plant(home: Path) -> ChildProcess:
    """The demo plant's server on a free port; `wait_until_ready` answers its URL."""
    arguments = ("copilot.demo", "--home", str(home), "--port", "0")
    return ChildProcess("the demo plant", *arguments)


def start_executor(config: Path) -> ChildProcess:
    """The executor that `config` (executor.toml) describes; its log is the file beside it."""
    arguments = ("copilot", "executor", "run", "--config", str(config))
    return ChildProcess("the executor", *arguments, log=config.with_name("executor.log"))


@contextmanager
def demo_plant(home: Path) -> Iterator[str]:
    """The demo plant's server, running; gives its URL and stops it at the end."""
    plant = start_plant(home)
    try:
        yield plant.wait_until_ready()
    finally:
        plant.stop()


@contextmanager
def running_demo(home: Path) -> Iterator[str]:
    """The demo plant with its people and its executor, each a process; gives the OPC UA URL."""
    with demo_plant(home) as url:
        settle_people(demo_settings(home, url).database.own)
        executor = start_executor(executor_file(home))
        try:
            executor.wait_until_ready()
            yield url
        finally:
            executor.stop()
