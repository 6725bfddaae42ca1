"""Keeps the demo plant running in real time: one step a second, stored every minute."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta

import numpy as np

from copilot.demo.chronicle import Chronicle
from copilot.demo.home import DemoHome
from copilot.demo.instruments import Times, Values
from copilot.demo.server import PlantServer
from copilot.demo.simulate import Simulation, Stretch, join_chronicle
from copilot.demo.site import configure

SAMPLE_S = 10
MOST_BEHIND = timedelta(minutes=10)


class Recorder:
    """Gathers what happens between two times of storing."""

    def __init__(self, home: DemoHome, simulation: Simulation) -> None:
        self._home = home
        self._simulation = simulation
        self._samples: list[tuple[Times, dict[str, Values]]] = []
        self._chronicle: Chronicle | None = None
        self._storing: asyncio.Task[None] | None = None

    def add(self, stretch: Stretch) -> None:
        """Remember a stretch until it is stored."""
        self._samples.append(stretch.samples(self._simulation.signals, SAMPLE_S))
        if self._chronicle is None:
            self._chronicle = stretch.chronicle
        else:
            join_chronicle(self._chronicle, stretch.chronicle)

    async def store(self) -> None:
        """Begin to store what was gathered; ends, or fails, with the storing before it."""
        await self.finish()
        samples, chronicle = self._samples, self._chronicle
        self._samples, self._chronicle = [], None
        if chronicle is None:
            return
        times = np.concatenate([times for times, _ in samples])
        values = {
            signal: np.concatenate([columns[signal] for _, columns in samples])
            for signal in self._simulation.signals
        }
        state = self._simulation.snapshot()
        keeping = asyncio.to_thread(self._home.keep, times, values, chronicle, state)
        self._storing = asyncio.create_task(keeping)

    async def finish(self) -> None:
        """Wait until what was begun is stored."""
        storing, self._storing = self._storing, None
        if storing:
            await storing


async def run_plant(home: DemoHome, port: int, host: str = "127.0.0.1") -> None:
    """Serve the plant until the process is asked to end (SIGTERM, SIGINT)."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    simulation = home.simulation()
    server = PlantServer(simulation, home.executor_password)
    recorder = Recorder(home, simulation)
    url = await server.start(port, host)
    try:
        await _advance(simulation, server, recorder)
        configure(home, url.replace("0.0.0.0", "127.0.0.1"))
        print(f"ready {url}", flush=True)
        while not stop.is_set():
            await _wait_for_next_second(stop)
            await _advance(simulation, server, recorder)
    finally:
        await server.stop()
        await recorder.store()
        await recorder.finish()


async def _wait_for_next_second(stop: asyncio.Event) -> None:
    rest = 1.0 - datetime.now(UTC).microsecond / 1e6
    try:
        await asyncio.wait_for(stop.wait(), rest + 0.002)
    except TimeoutError:
        return


async def _advance(simulation: Simulation, server: PlantServer, recorder: Recorder) -> None:
    """Step the plant to this second; one that slept for long catches up in steps of a minute."""
    now = datetime.now(UTC).replace(microsecond=0)
    if now <= simulation.now:
        return
    minute = simulation.now.replace(second=0)
    if now - simulation.now > MOST_BEHIND:
        stretches = list(simulation.run(now, 60.0))
    else:
        stretches = [simulation.record(now, 1.0, attended=False)]
    for stretch in stretches:
        recorder.add(stretch)
    await server.show(stretches[-1])
    if now.replace(second=0) > minute:
        await recorder.store()
