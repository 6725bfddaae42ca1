"""An OPC UA TCP proxy that loses, delays and cuts what passes through it.

It sits between a client and a server, in the test's own event loop:

    async with Proxy("opc.tcp://127.0.0.1:4840/") as proxy:
        proxy.arm("WriteRequest", 1, "cut before")    # the first write from now on is lost
        connection = WriteConnection(proxy.url, ...)

`arm(kind, number, action)` counts messages of that kind from the moment it is armed:

    "pass"         nothing, for what `call` does at that moment (freeze the server, kill it)
    "drop"         swallow the message, keep the connection
    "delay"        pass it on `delay_s` later, and what follows on that side after it
    "cut before"   close the connection without passing it on
    "cut after"    pass it on, then close the connection
    "freeze"       hold it and everything else, both ways, until `thaw()`
    "freeze after" pass it on, then hold everything else

"Fail at call k for every k": arm("Request", k, ...) for k = 1, 2, ... until `proxy.fired` stays
False; "Request" and "Response" count every kind. `freeze()`, `thaw()`, `cut()` (all connections
now) and `refuse()` (cut, and let nobody in until `accept()`) act at once. `seen` counts messages.

Only unencrypted messages can be told apart (SecurityPolicy None), each in a single chunk. As a
program, for clients in other processes: `python -m faults.opcua_proxy URL KIND NUMBER ACTION`
prints its own URL, and then serves until it is killed.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlsplit

Action = Literal["pass", "drop", "delay", "cut before", "cut after", "freeze", "freeze after"]

# Numbers of the binary encodings (OPC UA Part 6, NodeIds.csv).
KINDS = {
    428: "GetEndpointsRequest",
    431: "GetEndpointsResponse",
    461: "CreateSessionRequest",
    464: "CreateSessionResponse",
    467: "ActivateSessionRequest",
    470: "ActivateSessionResponse",
    473: "CloseSessionRequest",
    476: "CloseSessionResponse",
    527: "BrowseRequest",
    530: "BrowseResponse",
    554: "TranslateBrowsePathsRequest",
    557: "TranslateBrowsePathsResponse",
    631: "ReadRequest",
    634: "ReadResponse",
    673: "WriteRequest",
    676: "WriteResponse",
    712: "CallRequest",
    715: "CallResponse",
}
_HEADER = 8
_TYPE_ID = slice(24, 28)


@dataclass(slots=True)
class _Armed:
    kind: str
    left: int
    action: Action
    delay_s: float
    call: Callable[[], None] | None


class Proxy:
    """Passes messages on to the server at `target` until told otherwise."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 4840)
        self._open = asyncio.Event()
        self._open.set()
        self._armed: _Armed | None = None
        self._accepting = True
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        self.url = ""
        self.fired = False
        self.seen: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"opc.tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def arm(
        self,
        kind: str,
        number: int,
        action: Action,
        *,
        delay_s: float = 0.0,
        call: Callable[[], None] | None = None,
    ) -> None:
        """Do that to the `number`-th message of a kind from now on, once; first `call`."""
        self.fired = False
        self._armed = _Armed(kind, number, action, delay_s, call)

    def freeze(self) -> None:
        """Hold every message, both ways."""
        self._open.clear()

    def thaw(self) -> None:
        """Pass on what was held, and go on."""
        self._open.set()

    def cut(self) -> None:
        """Close every connection."""
        for task in self._connections:
            task.cancel()

    def refuse(self) -> None:
        """Close every connection and let nobody in."""
        self._accepting = False
        self.cut()

    def accept(self) -> None:
        """Let clients in again."""
        self._accepting = True

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if self._accepting:
                await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # Cut, or the server is not there: the client finds its connection closed.
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        ways = {
            asyncio.create_task(self._pass_on(reader, server_writer)),
            asyncio.create_task(self._pass_on(server_reader, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            # Closed in order, so that the server still gets what was passed on before a cut.
            server_writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction, message by message; ends when either side does, or at a cut."""
        while True:
            try:
                head = await reader.readexactly(_HEADER)
                body = await reader.readexactly(int.from_bytes(head[4:8], "little") - _HEADER)
            except (OSError, asyncio.IncompleteReadError):
                return
            message = head + body
            action = self._judge(_kind(message))
            if action == "freeze":
                self.freeze()
            await self._open.wait()
            if action == "drop":
                continue
            if action == "cut before":
                return
            if action == "delay" and self._armed is not None:
                await asyncio.sleep(self._armed.delay_s)
            writer.write(message)
            await writer.drain()
            if action == "cut after":
                return
            if action == "freeze after":
                self.freeze()

    def _judge(self, kind: str) -> Action | None:
        """What happens to this message."""
        self.seen[kind] += 1
        armed = self._armed
        if armed is None or self.fired or not kind.endswith(armed.kind):
            return None
        armed.left -= 1
        if armed.left:
            return None
        self.fired = True
        if armed.call is not None:
            armed.call()
        return armed.action


def _kind(message: bytes) -> str:
    """The name of a message; "HEL", "OPN" and the like for those of the transport."""
    if message[:3] != b"MSG":
        return message[:3].decode("ascii", "replace")
    encoding, namespace, low, high = message[_TYPE_ID]
    number = low + 256 * high
    return KINDS.get(number, f"{number}") if (encoding, namespace) == (1, 0) else "?"


async def _serve(target: str, kind: str, number: int, action: Action) -> None:
    async with Proxy(target) as proxy:
        proxy.arm(kind, number, action)
        print(proxy.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    url, wanted, count, what, *_ = sys.argv[1:]
    asyncio.run(_serve(url, wanted, int(count), what))  # type: ignore[arg-type]
