"""Scores the live readings of all running machines every few seconds, and keeps the episodes.

It learns from history some time after the start, a machine at a time, so that nobody waits for it,
and again every week. Half-lives are minutes: a tick of ten seconds is a sixth of one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from copilot.beside import beside
from copilot.health.watch.learning import MINUTE_S, Machine, learn_machine
from copilot.health.watch.memory import Ended, Learnt, Memory, WatchState
from copilot.health.watch.standing import Standing
from copilot_tools.errors import ToolError
from copilot_tools.facts import Quality
from copilot_tools.models.abnormality.episodes import Rule
from copilot_tools.models.abnormality.fleet import FleetScorer, Tick
from copilot_tools.models.abnormality.model_arrays import UNSEEN
from copilot_tools.plant import Plant
from copilot_tools.records import OrderStatus
from copilot_tools.sources.protocols import Reading
from copilot_tools.timeseries import Floats, to_time
from copilot_tools.watched import Shift, Unlike

FIRST_S = 60.0
PAUSE_S = 5.0
EVERY_S = 10.0
HELD_S = 180.0
STORED_EVERY = timedelta(minutes=1)
ORDERS_EVERY = timedelta(minutes=1)
LEARNT_EVERY = timedelta(days=7)
LONGEST_SILENCE = timedelta(hours=1)
MOST_EPISODES = 1000

_LOG = logging.getLogger("copilot.health.watch")


class MachineWatch:
    """The watch over a plant; what it knows lies in `folder`."""

    def __init__(self, plant: Plant, folder: Path) -> None:
        self._plant = plant
        self._signals = {signal.id: signal for signal in plant.site.signals()}
        self._memory = Memory(folder)
        self._learnt: Learnt | None = None
        self._scorer: FleetScorer | None = None
        self._standing = Standing()
        self._products: dict[str, str] = {}
        self._asked_orders: datetime | None = None
        self._ticked: datetime | None = None
        self._stored: datetime | None = None
        self._seen: dict[str, tuple[datetime, float]] = {}
        self.ended: list[Ended] = []

    @asynccontextmanager
    async def running(self, first_s: float = FIRST_S) -> AsyncIterator[None]:
        """Watch beside whatever else goes on, until this ends."""
        try:
            async with beside(self._watch(first_s)):
                yield
        finally:
            if self._stored is not None:
                await asyncio.to_thread(self._store)

    def unlike(self, asset: str) -> Unlike | None:
        """Since when a machine is unlike itself; None while it is not, or is not scored of late."""
        if self._learnt is None or self._scorer is None or asset not in self._seen:
            return None
        number = next(i for i, m in enumerate(self._learnt.machines) if m.asset == asset)
        seen, score = self._seen[asset]
        begin = self._scorer.hysteresis.begin[number]
        if not np.isfinite(begin) or self._plant.now() - seen > LONGEST_SILENCE:
            return None
        signals = self._learnt.machines[number].signals
        shifts = tuple(
            Shift(self._signals[signals[part.signal]], part.shift)
            for part in self._scorer.explain(number)
        )
        return Unlike(to_time(begin), seen, score, shifts)

    async def learn(self, pause_s: float = 0.0) -> None:
        """Learn all machines anew from history; raises Unavailable when it does not answer."""
        machines: list[Machine] = []
        for asset in self._plant.site.assets.values():
            machine = await learn_machine(self._plant, asset)
            if machine is not None:
                machines.append(machine)
            await asyncio.sleep(pause_s)
        learnt = Learnt(self._plant.now(), tuple(machines))
        await asyncio.to_thread(self._memory.keep_learnt, learnt)
        self._begin(learnt)

    def recall(self) -> bool:
        """Go on with what is kept on disk; whether there is anything not older than a week."""
        learnt = self._memory.learnt()
        if learnt is None or self._plant.now() - learnt.time > LEARNT_EVERY:
            return False
        named = {name for machine in learnt.machines for name in machine.signals}
        if not named <= self._signals.keys():
            return False
        self._begin(learnt)
        return True

    async def tick(self) -> Tick | None:
        """Score what the machines show now; None with nothing learnt.

        Raises Unavailable when the readings cannot be had.
        """
        learnt, scorer = self._learnt, self._scorer
        if learnt is None or scorer is None or not learnt.machines:
            return None
        names = list(dict.fromkeys(name for m in learnt.machines for name in m.signals))
        nodes = [self._signals[name].node for name in names]
        readings = dict(zip(names, await self._plant.telemetry.read(nodes), strict=True))
        await self._ask_orders()
        now = self._plant.now()
        passed = (now - self._ticked).total_seconds() / MINUTE_S if self._ticked else 1.0
        self._ticked = now
        values = _table(learnt.machines, readings)
        regimes = self._regimes(learnt.machines, readings, now)
        tick = scorer.tick(values, now.timestamp(), regimes, max(passed, 1e-3))
        self._note(learnt.machines, tick, now)
        if self._stored is None or now - self._stored >= STORED_EVERY:
            self._stored = now
            await asyncio.to_thread(self._store)
        return tick

    async def _watch(self, first_s: float) -> None:
        await asyncio.sleep(first_s)
        recalled = False
        while True:
            try:
                if not recalled:
                    recalled = True
                    await asyncio.to_thread(self.recall)
                now = self._plant.now()
                if self._learnt is None or now - self._learnt.time > LEARNT_EVERY:
                    await self.learn(PAUSE_S)
                await self.tick()
            except (ToolError, OSError) as error:
                _LOG.warning("machines are not watched now: %s", error)
            except Exception:
                # The pages must go on, and the next look may succeed.
                _LOG.exception("a look at the machines failed")
            await asyncio.sleep(EVERY_S)

    def _begin(self, learnt: Learnt) -> None:
        rule = Rule(least=max(round(HELD_S / EVERY_S), 1))
        scorer = FleetScorer([machine.baselines for machine in learnt.machines], rule)
        kept = self._memory.state(learnt)
        arrays = kept.arrays
        self._ticked = None
        if arrays is not None:
            with suppress(ValueError, KeyError):
                self._ticked = to_time(arrays["ticked"][0])
                scorer.restore(arrays)
        scorer.hysteresis.factors = np.array([machine.factor for machine in learnt.machines])
        self._carry_over(learnt, scorer)
        self.ended = self.ended or list(kept.ended)
        if self._learnt is None:
            self._standing = kept.standing
        self._scorer, self._learnt, self._seen = scorer, learnt, {}

    def _carry_over(self, learnt: Learnt, scorer: FleetScorer) -> None:
        """What is unlike itself when everything is learnt anew, still is."""
        if self._learnt is None or self._scorer is None:
            return
        places = {machine.asset: number for number, machine in enumerate(learnt.machines)}
        for episode in self._scorer.hysteresis.running():
            place = places.get(self._learnt.machines[episode.machine].asset)
            if place is not None:
                scorer.hysteresis.begin[place] = episode.begin
                scorer.hysteresis.peak[place] = episode.peak

    def _regimes(
        self, machines: tuple[Machine, ...], readings: dict[str, Reading], now: datetime
    ) -> NDArray[np.intp]:
        """Which baseline each machine is judged by; UNSEEN while it stands or has just begun."""
        regimes = np.full(len(machines), UNSEEN, dtype=np.intp)
        for number, machine in enumerate(machines):
            level = _number(readings[machine.motion]) if machine.motion else 1.0
            runs = level > machine.running_from
            product = self._products.get(self._plant.site.assets[machine.asset].line or "", "")
            if self._standing.warmed_up(machine.asset, runs, now) and product in machine.products:
                regimes[number] = machine.products.index(product)
        return regimes

    async def _ask_orders(self) -> None:
        """What each line makes, asked once a minute; nothing where the ERP does not answer."""
        now = self._plant.now()
        if self._asked_orders is not None and now - self._asked_orders < ORDERS_EVERY:
            return
        self._asked_orders = now
        with suppress(ToolError):
            orders = await self._plant.erp.production_orders()
            self._products = {o.line: o.product for o in orders if o.status is OrderStatus.RUNNING}

    def _note(self, machines: tuple[Machine, ...], tick: Tick, now: datetime) -> None:
        for number in np.flatnonzero(np.isfinite(tick.scores)).tolist():
            self._seen[machines[number].asset] = now, float(tick.scores[number])
        for episode in tick.changed:
            asset = machines[episode.machine].asset
            if episode.end is None:
                _LOG.info("%s is unlike itself since %s", asset, to_time(episode.begin))
            else:
                _LOG.info("%s is as usual again since %s", asset, to_time(episode.end))
                ended = Ended(asset, episode.begin, episode.end, episode.peak)
                self.ended = [*self.ended, ended][-MOST_EPISODES:]

    def _store(self) -> None:
        if self._learnt is not None and self._scorer is not None:
            arrays = self._scorer.snapshot()
            if self._ticked is not None:
                arrays["ticked"] = np.array([self._ticked.timestamp()])
            state = WatchState(arrays, self.ended, self._standing)
            self._memory.keep_state(self._learnt, state)


def _table(machines: tuple[Machine, ...], readings: dict[str, Reading]) -> Floats:
    """The values of all machines, NaN where there is none of good quality."""
    width = max(len(machine.signals) for machine in machines)
    values = np.full((len(machines), width), np.nan)
    for number, machine in enumerate(machines):
        values[number, : len(machine.signals)] = [_number(readings[s]) for s in machine.signals]
    return values


def _number(reading: Reading) -> float:
    value = reading.value
    if reading.quality is not Quality.GOOD or not isinstance(value, int | float):
        return float("nan")
    return float("nan") if isinstance(value, bool) else float(value)
