"""What waits to be sent down one stream: small, however slow the reader is.

Of values and counters only the newest is kept. Events of runs are never dropped: who brings them
waits until there is room.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping

ROOM = 32  # events of runs that wait at once


def frame(event: str, data: bytes | str, key: str = "") -> bytes:
    """One event as a text/event-stream has it; `data` is JSON, so it has no line break."""
    encoded = data.encode() if isinstance(data, str) else data
    named = f"id: {key}\n".encode() if key else b""
    return b"%sevent: %s\ndata: %s\n\n" % (named, event.encode(), encoded)


class Outbox:
    """Of one stream that shows `signals`."""

    def __init__(self, signals: Iterable[str] = ()) -> None:
        self.signals = frozenset(signals)
        self.ended = False
        self._values: dict[str, bytes] = {}
        self._newest: dict[str, bytes] = {}
        self._runs: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def show(self, pieces: Mapping[str, bytes]) -> None:
        """New values; each piece is `"signal": {...}` in JSON."""
        self._values.update(pieces)
        self._news.set()

    def tell(self, event: str, data: bytes | str) -> None:
        """Something of which only the newest counts."""
        self._newest[event] = frame(event, data)
        self._news.set()

    async def add(self, event: bytes) -> None:
        """An event of a run, which takes its place in the queue once there is room."""
        while len(self._runs) >= ROOM:
            self._room.clear()
            await self._room.wait()
        self._runs.append(event)
        self._news.set()

    def end(self) -> None:
        """Send what is there, then nothing more."""
        self.ended = True
        self._news.set()

    async def wait(self, patience_s: float) -> None:
        """Until there is something to send, or the stream ends, or patience does."""
        try:
            async with asyncio.timeout(patience_s):
                await self._news.wait()
        except TimeoutError:
            return

    def take(self) -> bytes:
        """All that waits, as it is sent."""
        self._news.clear()
        parts = [*self._runs, *self._newest.values()]
        if self._values:
            parts.append(frame("values", b"{%s}" % b",".join(self._values.values())))
        self._runs.clear()
        self._newest.clear()
        self._values.clear()
        self._room.set()
        return b"".join(parts)
