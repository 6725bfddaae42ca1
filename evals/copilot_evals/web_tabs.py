"""Many open tabs with live values: how late events come, what the server spends, whether it grows.

Each tab is a connection of its own that reads its stream and does nothing else. The delay of an
event is the time from the server's reading of the plant to the last byte at the tab; how old the
plant's own measurement is by then is told beside it, since both tick once a second.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode, urlsplit

import httpx
import psutil

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.actor import EVERYWHERE, Role
from copilot.demo.site import PASSWORD
from copilot.plant import utc_now
from copilot_tools.site.load import load_site

SIGNALS = 8
TABS_EACH = 10  # of one account, as its pages are bounded
WARM_UP_S = 20.0
EVERY_S = 5.0


@dataclass(slots=True)
class Tabs:
    """What was seen at all tabs after warming up."""

    count: int
    seconds: float = 0.0
    delays_ms: list[float] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    events: int = 0
    lost: int = 0
    cpu_share: float = 0.0
    rss_mb: list[float] = field(default_factory=list)

    @property
    def growth_mb(self) -> float:
        """Resident memory at the end less that after warming up, each a mean of a few looks."""
        few = max(len(self.rss_mb) // 5, 1)
        first, last = self.rss_mb[:few], self.rss_mb[-few:]
        return sum(last) / len(last) - sum(first) / len(first)


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile, by linear interpolation; nan of nothing."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def add_watchers(home: Path, own_database: str, tabs: int) -> list[str]:
    """Names of accounts in the demo's database, enough for so many tabs."""
    engine = db.open_database(own_database)
    try:
        accounts = Accounts(engine, load_site(home / "plant.toml"), utc_now)
        known = {account.name for account in accounts.list()}
        names = [f"watcher-{number}" for number in range(-(-tabs // TABS_EACH))]
        for name in names:
            if name not in known:
                accounts.add(name, Role.OPERATOR, (EVERYWHERE,), PASSWORD, by="evaluation")
        return names
    finally:
        engine.dispose()


def signals_of(home: Path) -> list[str]:
    """All signals of the plant, as streams name them."""
    site = load_site(home / "plant.toml")
    return [signal.id for signal in site.signals()]


async def measure(
    url: str, pid: int, names: Sequence[str], signals: Sequence[str], tabs: int, seconds: float
) -> Tabs:
    """Open the tabs, wait until they are warm, then watch them and the server's process."""
    seen = Tabs(tabs)
    cookies = [await _sign_in(url, name) for name in names]
    measuring = asyncio.Event()
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        watching = [
            group.create_task(
                _watch(url, cookies[tab // TABS_EACH], _some(signals, tab), seen, measuring)
            )
            for tab in range(tabs)
        ]
        await asyncio.sleep(WARM_UP_S)
        measuring.set()
        await _watch_process(psutil.Process(pid), seconds, seen)
        for task in watching:
            task.cancel()
    return seen


async def _watch_process(process: psutil.Process, seconds: float, seen: Tabs) -> None:
    begun, spent = time.monotonic(), sum(process.cpu_times()[:2])
    while (passed := time.monotonic() - begun) < seconds:
        seen.rss_mb.append(process.memory_info().rss / 1e6)
        await asyncio.sleep(min(EVERY_S, seconds - passed))
    seen.rss_mb.append(process.memory_info().rss / 1e6)
    seen.seconds = time.monotonic() - begun
    seen.cpu_share = (sum(process.cpu_times()[:2]) - spent) / seen.seconds


async def _sign_in(url: str, name: str) -> str:
    """The cookie of a new session."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        answer = await client.post("/sign-in", data={"name": name, "password": PASSWORD})
        if answer.status_code != 303:
            raise RuntimeError(f"{name} could not sign in: {answer.status_code}")
        return "; ".join(f"{key}={value}" for key, value in client.cookies.items())


def _some(signals: Sequence[str], tab: int) -> list[str]:
    start = tab * SIGNALS % len(signals)
    return [signals[(start + number) % len(signals)] for number in range(SIGNALS)]


async def _watch(
    url: str, cookie: str, signals: Sequence[str], seen: Tabs, measuring: asyncio.Event
) -> None:
    """One tab, which opens its stream again whenever it is lost."""
    while True:
        try:
            async for event, data in _events(url, cookie, signals):
                if measuring.is_set():
                    seen.events += 1
                    if event == "values":
                        _note(json.loads(data), seen)
        except OSError:
            pass
        if measuring.is_set():
            seen.lost += 1
        await asyncio.sleep(1)


async def _events(
    url: str, cookie: str, signals: Sequence[str]
) -> AsyncIterator[tuple[str, bytes]]:
    """Name and data of each event of a stream, read from its own connection."""
    host = urlsplit(url).netloc
    query = urlencode([("signal", signal) for signal in signals])
    reader, writer = await asyncio.open_connection(*host.split(":"), limit=1 << 20)
    try:
        head = f"GET /events?{query} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n"
        writer.write(head.encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise OSError(f"the stream was refused: {status.decode().strip()}")
        event = ""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                event = line[7:].decode().strip()
            elif line.startswith(b"data: "):
                yield event, line[6:]
    finally:
        writer.close()


def _note(values: dict[str, dict[str, str]], seen: Tabs) -> None:
    now = time.time()
    newest = max(_seconds(value["at"]) for value in values.values())
    seen.delays_ms.append((now - newest) * 1000)
    measured = max(_seconds(value["time"]) for value in values.values())
    seen.ages_ms.append((now - measured) * 1000)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
