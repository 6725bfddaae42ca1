"""A demo plant for evaluations: one fixed seed, its own folder, its server in its own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_cache_path

from copilot.demo.home import prepare
from copilot.demo.process import demo_plant
from copilot.demo.progress import shown_progress
from copilot.settings import APP

SEED = 1871


@contextmanager
def demo_site() -> Iterator[tuple[Path, str]]:
    """The folder of the prepared demo plant and the URL of its running OPC UA server."""
    home = user_cache_path(APP) / "evaluation"
    home.mkdir(parents=True, exist_ok=True)
    with shown_progress() as step:
        prepare(home, seed=SEED, now=datetime.now(UTC), progress=step)
    with demo_plant(home) as url:
        yield home, url
