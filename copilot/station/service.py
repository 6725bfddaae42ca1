"""A station at work: sweeps its inbox again and again, and receives pictures by HTTP."""

import asyncio
import signal
from collections.abc import Callable

from copilot.station.inbox import Inbox, Turned
from copilot.station.station import Taken
from copilot_tools.display import printable
from copilot_tools.errors import Unavailable

EVERY_S = 0.5
LONGEST_WAIT_S = 30.0


class Service:
    """Takes what is in the inbox and tells of every outcome in one line."""

    def __init__(self, inbox: Inbox, tell: Callable[[str], None]) -> None:
        self.inbox = inbox
        self._tell = tell

    def once(self, stop: asyncio.Event | None = None) -> int:
        """Take what is there, or until `stop`; exit code 1 when a picture was refused."""
        refused = 0
        for name, outcome in self.inbox.sweep():
            refused += isinstance(outcome, Turned)
            self.say(name, outcome)
            if stop is not None and stop.is_set():
                break
        return 1 if refused else 0

    async def watch(self, stop: asyncio.Event) -> None:
        """Take pictures as they come; one that cannot be stored waits and is tried again."""
        wait = EVERY_S
        while not stop.is_set():
            try:
                await asyncio.to_thread(self.once, stop)
                wait = EVERY_S
            except (Unavailable, OSError) as error:
                wait = min(wait * 2, LONGEST_WAIT_S)
                self._tell(printable(f"! {error}; pictures wait, next try in {wait:g} s"))
            try:
                await asyncio.wait_for(stop.wait(), wait)
            except TimeoutError:
                continue

    def say(self, name: str, outcome: Taken | Turned | str) -> None:
        """One line about a picture."""
        if isinstance(outcome, Taken):
            verdict = outcome.verdict
            text = verdict.defect or "good"
            text += f"; a person should look: {verdict.review}" if verdict.review else ""
            text += "" if outcome.new else "; was inspected before"
        else:
            text = f"refused: {outcome.reason if isinstance(outcome, Turned) else outcome}"
        self._tell(printable(f"{name}: {text}"))


def serve(service: Service, port: int | None) -> int:
    """Work until the process is told to end (SIGTERM, SIGINT); the picture in hand is finished."""
    asyncio.run(_serve(service, port))
    return 0


async def _serve(service: Service, port: int | None) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.watch(stop))
        if port is not None:
            tasks.create_task(_receive(service, port))


async def _receive(service: Service, port: int) -> None:
    """Receive pictures until a signal, which uvicorn hands on to us once it is done."""
    import socket

    import uvicorn

    from copilot.station.receive import web_application

    inbox = service.inbox
    app = web_application(inbox.station, inbox.folder, service.say)
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=5
    )
    print(f"receiving http://127.0.0.1:{listening.getsockname()[1]}/inspections", flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])
