"""Live values for all tabs: each point that somebody looks at is read once a second.

One request reads them all; each is judged, written out and encoded once, whoever looks at it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import datetime

from copilot.web.live.frozen import Unmoved
from copilot.web.live.outbox import Outbox
from copilot.web.live.points import Watched, watchable
from copilot.web.live.pulse import Pulse
from copilot.web.live.shown import UNCONFIRMED_AFTER, Shown, show, unconfirmed
from copilot_tools.errors import Unavailable
from copilot_tools.plant import Plant
from copilot_tools.site.model import Node
from copilot_tools.sources.protocols import Reading
from copilot_tools.telemetry import is_at_rest

EVERY_S = 1.0
FROZEN_EVERY_S = 3.0
PATIENCE_S = 5.0


class LiveValues:
    """The newest readings of what is looked at, for the outboxes of all streams."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._watchable = watchable(plant.site)
        self._unmoved = Unmoved(plant)
        self._outboxes: set[Outbox] = set()
        self._shown: dict[str, Shown] = {}
        self._pieces: dict[str, bytes] = {}
        self._answered: datetime | None = None
        self._problem = b""
        self._pulses = (
            Pulse(EVERY_S, self.refresh),
            Pulse(FROZEN_EVERY_S, self.look_for_frozen),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the application runs; what has been begun ends with it."""
        try:
            yield
        finally:
            for pulse in self._pulses:
                await pulse.stop()

    @property
    def watchers(self) -> int:
        """How many streams look at values."""
        return len(self._outboxes)

    @contextmanager
    def told_to(self, outbox: Outbox) -> Iterator[None]:
        """Tell an outbox of its signals, and of a source that does not answer."""
        with ExitStack() as stack:
            for pulse in self._pulses if outbox.signals else ():
                stack.enter_context(pulse.needed())
            self._outboxes.add(outbox)
            outbox.show(_choose(self._pieces, outbox.signals))
            if self._problem and outbox.signals:
                outbox.tell("source", self._problem)
            try:
                yield
            finally:
                self._outboxes.remove(outbox)
                self._forget()

    async def read(self, watched: Iterable[Watched]) -> dict[str, Shown]:
        """The readings of some points as they are now, by key; raises Unavailable."""
        asked = list(watched)
        nodes = dict.fromkeys(node for one in asked for node in _nodes(one))
        try:
            async with asyncio.timeout(PATIENCE_S):
                readings = await self._plant.telemetry.read(list(nodes))
        except TimeoutError as error:
            why = f"no answer within {PATIENCE_S:g} s"
            raise Unavailable("OPC UA server", why, self._answered) from error
        read = dict(zip(nodes, readings, strict=True))
        return {one.key: self._show(one, read) for one in asked}

    async def refresh(self) -> None:
        """Read all that is looked at, and tell whoever looks at it what has changed."""
        keys = set[str]().union(*(outbox.signals for outbox in self._outboxes))
        watched = [self._watchable[key] for key in keys if key in self._watchable]
        if not watched:
            return
        try:
            shown = await self.read(watched)
        except Unavailable as error:
            self._say(_problem(error))
            self._tell(self._grown_old())
            return
        self._answered = self._plant.now()
        self._say(b"")
        self._tell(shown)

    async def look_for_frozen(self) -> None:
        """Ask the history about one signal that has not moved for a while."""
        await self._unmoved.look()

    def _show(self, watched: Watched, read: Mapping[Node, Reading]) -> Shown:
        zone, reading = self._plant.site.time_zone, read[watched.point.node]
        resting = self._unmoved.saw(watched, reading)
        if is_at_rest(read[watched.state] if watched.state else None):
            return show(watched.unjudged(), reading, None, zone)
        return show(watched, reading, resting, zone)

    def _grown_old(self) -> dict[str, Shown]:
        """The values that nobody has confirmed for too long, as they are shown from now on."""
        late = self._plant.now() - UNCONFIRMED_AFTER
        if self._answered is not None and self._answered > late:
            return {}
        return {key: unconfirmed(shown) for key, shown in self._shown.items()}

    def _tell(self, shown: Mapping[str, Shown]) -> None:
        new = {key: one for key, one in shown.items() if self._shown.get(key) != one}
        self._shown.update(new)
        at = self._plant.now()
        pieces = {key: one.piece(at) for key, one in new.items()}
        self._pieces.update(pieces)
        chosen: dict[frozenset[str], dict[str, bytes]] = {}
        for outbox in self._outboxes:
            if outbox.signals not in chosen:
                chosen[outbox.signals] = _choose(pieces, outbox.signals)
            if chosen[outbox.signals]:
                outbox.show(chosen[outbox.signals])

    def _say(self, problem: bytes) -> None:
        """Say that the source is gone, or back; once."""
        if problem == self._problem:
            return
        self._problem = problem
        for outbox in self._outboxes:
            if outbox.signals:
                outbox.tell("source", problem or b'{"ok": true}')

    def _forget(self) -> None:
        """What nobody looks at any more must not be shown to the next one as if it were new."""
        keys = set[str]().union(*(outbox.signals for outbox in self._outboxes))
        self._shown = {key: one for key, one in self._shown.items() if key in keys}
        self._pieces = {key: piece for key, piece in self._pieces.items() if key in keys}
        self._unmoved.keep(keys)
        if not keys:
            self._answered, self._problem = None, b""


def _nodes(watched: Watched) -> Iterator[Node]:
    yield watched.point.node
    if watched.state is not None:
        yield watched.state


def _choose(pieces: Mapping[str, bytes], keys: frozenset[str]) -> dict[str, bytes]:
    return {key: pieces[key] for key in keys & pieces.keys()}


def _problem(error: Unavailable) -> bytes:
    since = error.since.isoformat(timespec="seconds") if error.since else None
    return json.dumps({"ok": False, "text": str(error), "since": since}).encode()
