"""The demo's pages, served by a process of their own, so that it alone is measured.

`python -m copilot_evals.web_server HOME OPCUA_URL CACHE PORT` says "ready URL" when it serves.
"""

import argparse
import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from platformdirs import user_cache_path

from copilot.app import bootstrap
from copilot.demo.home import prepare
from copilot.demo.process import ChildProcess, running_demo
from copilot.demo.progress import shown_progress
from copilot.demo.site import PEOPLE, demo_settings
from copilot.parent import end_with_parent
from copilot.settings import APP, Settings, WebSettings
from copilot.web.serve import listen, serve
from copilot_evals.demo_site import SEED

HOST = "127.0.0.1"


def start_pages(home: Path, opcua_url: str, cache: Path, port: int = 0) -> ChildProcess:
    """The pages of a running demo plant; `wait_until_ready` answers their URL, the model warm."""
    place = (str(home), opcua_url, str(cache), str(port or free_port()))
    return ChildProcess("the web application", "copilot_evals.web_server", *place)


@dataclass(frozen=True, slots=True)
class Served:
    """A demo plant with its pages: its folder, their URL, the number of their process."""

    home: Path
    url: str
    pid: int


@contextmanager
def served_demo() -> Iterator[Served]:
    """The demo plant and its pages, each a process, as new: without yesterday's conversations."""
    home = user_cache_path(APP) / "evaluation-web"
    home.mkdir(parents=True, exist_ok=True)
    _forget(home)
    with shown_progress() as step:
        prepare(home, seed=SEED, now=datetime.now(UTC), progress=step)
    with running_demo(home) as opcua_url:
        pages = start_pages(home, opcua_url, Settings().cache)
        try:
            yield Served(home, pages.wait_until_ready(), pages.pid)
        finally:
            pages.stop()


def _forget(home: Path) -> None:
    """Delete what people did, and what the executor wrote of it; not the plant."""
    for path in (*home.glob("copilot.db*"), *home.glob("executor/*")):
        if path.name != "secret":
            path.unlink()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(prog="python -m copilot_evals.web_server")
    parser.add_argument("home", type=Path)
    parser.add_argument("opcua_url")
    parser.add_argument("cache", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--attached", action="store_true")
    options = parser.parse_args()
    if options.attached:
        end_with_parent()
    asyncio.run(_serve(options.home, options.opcua_url, options.cache, options.port))


async def _serve(home: Path, opcua_url: str, cache: Path, port: int) -> None:
    settings = demo_settings(home, opcua_url, cache)
    settings = settings.model_copy(update={"web": WebSettings(host=HOST, port=port)})
    copilot = bootstrap(settings)
    try:
        with listen(settings.web) as listening:
            warming = asyncio.create_task(_say_when_warm(f"http://{HOST}:{port}"))
            await serve(settings, copilot, listening, tuple(name for name, _, _ in PEOPLE))
            warming.cancel()
    finally:
        await copilot.close()


async def _say_when_warm(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        model = ""
        while model != "ok":
            await asyncio.sleep(0.2)
            with suppress(httpx.TransportError):
                model = (await client.get("/readyz")).json()["parts"]["model"]
    print(f"ready {url}", flush=True)


if __name__ == "__main__":
    main()
