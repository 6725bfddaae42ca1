"""A demo plant for evaluations: one fixed seed, its own folder, its server in its own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import Progress

from copilot.demo.home import prepare
from copilot.demo.process import demo_plant
from copilot.settings import APP

SEED = 1871


@contextmanager
def demo_site() -> Iterator[tuple[Path, str]]:
    """The folder of the prepared demo plant and the URL of its running OPC UA server."""
    home = user_cache_path(APP) / "evaluation"
    home.mkdir(parents=True, exist_ok=True)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks = {}

        def show(step: str, share: float) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=1.0)
            progress.update(tasks[step], completed=share)

        prepare(home, seed=SEED, now=datetime.now(UTC), progress=show)
    with demo_plant(home) as url:
        yield home, url
