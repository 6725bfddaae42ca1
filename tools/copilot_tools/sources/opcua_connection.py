"""One shared, read-only connection to an OPC UA server that survives outages.

A lost server is dropped whole and connected afresh by the next call. The library's own reconnect is
left off on purpose: it may put another server start behind namespace indices and node ids that were
resolved before, and it holds calls back while the server is down. A `Link` never outlives its
session, so what was resolved on it stays true.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes, get_name_and_doc
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from copilot_tools.errors import Unavailable
from copilot_tools.site.model import Node
from copilot_tools.sources.opcua_security import ChannelSecurity, secure

SOURCE = "OPC UA server"
DEFAULT_READ_LIMIT = 1000
_NAMESPACES = ua.NodeId.from_string("i=2255")
_READ_LIMIT = ua.NodeId.from_string("i=11705")
_SIGN_IN = (
    StatusCodes.BadIdentityTokenInvalid,
    StatusCodes.BadIdentityTokenRejected,
    StatusCodes.BadUserAccessDenied,
)

# Whatever the library logs reaches the caller as an exception too; its tracebacks help nobody here.
for _name in ("asyncua.client", "asyncua.common", "asyncua.uaprotocol"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

T = TypeVar("T")


@dataclass(frozen=True, eq=False, slots=True)
class Link:
    """A live session with what was learnt when it was opened."""

    client: Client
    namespaces: dict[str, int]
    read_limit: int

    def node_id(self, node: Node) -> ua.NodeId | None:
        """The server's id of a node; None when the server does not know its namespace."""
        index = self.namespaces.get(node.namespace)
        if index is None:
            return None
        try:
            return ua.NodeId.from_string(f"ns={index};{node.identifier}")
        except UaError:
            return None

    async def read(self, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        """Value, status and both timestamps of each node, in one Read request where it fits."""
        answers: list[ua.DataValue] = []
        for start in range(0, len(nodes), self.read_limit):
            answers += await _read_values(self.client, nodes[start : start + self.read_limit])
        return answers


class OpcUaConnection:
    """Opens the session on first use and lets concurrent calls share it."""

    def __init__(
        self,
        url: str,
        user: str | None = None,
        password: str | None = None,
        timeout_s: float = 2.0,
        application: str = "reader",
        security: ChannelSecurity | None = None,
    ) -> None:
        self.url = url
        self._security = security
        self._user = user
        self._password = password
        self._timeout_s = timeout_s
        self._application = application
        self._opening = asyncio.Lock()
        self._link: Link | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._last_good: datetime | None = None

    async def call(self, request: Callable[[Link], Awaitable[T]]) -> T:
        """The answer to a read-only request; raises Unavailable with the last good time."""
        used: list[Link] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._try_twice(request, used)
        except TimeoutError as error:
            self._drop(used)
            why = "it does not answer in time"
            raise Unavailable(SOURCE, why, self._last_good) from error
        except (OSError, UaError, AssertionError) as error:
            self._drop(used)
            raise Unavailable(SOURCE, _reason(error), self._last_good) from error
        self._last_good = datetime.now(UTC)
        return answer

    async def close(self) -> None:
        """End the session; the next call would open a new one."""
        link, self._link = self._link, None
        if link is not None:
            await _disconnect(link.client, self._timeout_s)
        await asyncio.gather(*self._closing)

    async def _try_twice(self, request: Callable[[Link], Awaitable[T]], used: list[Link]) -> T:
        """A session that died since the last call is replaced once; reading twice does no harm."""
        fresh = self._link is None
        used.append(await self._open())
        try:
            return await request(used[-1])
        except (OSError, UaError):
            if fresh:
                raise
            self._drop(used)
            used.append(await self._open())
            return await request(used[-1])

    async def _open(self) -> Link:
        async with self._opening:
            if self._link is None or self._link.client.state is not UaClientState.CONNECTED:
                self._drop([self._link] if self._link else [])
                self._link = await self._connect()
            return self._link

    async def _connect(self) -> Link:
        client = Client(self.url, timeout=self._timeout_s)
        client.name = client.description = "industrial-copilot"
        client.application_uri = f"urn:industrial-copilot:{self._application}"
        if self._user is not None:
            client.set_user(self._user)
            client.set_password(self._password or "")
        if self._security is not None:
            await secure(client, self._security)
        try:
            await client.connect()
            array, limit = await _read_values(client, [_NAMESPACES, _READ_LIMIT])
        except BaseException:
            self._discard(client)
            raise
        uris = array.Value.Value if array.Value else []
        stated = limit.Value.Value if limit.Value else None
        return Link(
            client,
            {uri: index for index, uri in enumerate(uris)},
            min(stated or DEFAULT_READ_LIMIT, DEFAULT_READ_LIMIT),
        )

    def _drop(self, used: Sequence[Link]) -> None:
        if used and self._link is used[-1]:
            self._link = None
            self._discard(used[-1].client)

    def _discard(self, client: Client) -> None:
        """Tear a lost connection down in the background, waiting for nothing from the server."""
        protocol = client.uaclient.protocol
        if protocol is not None and protocol.transport is not None:
            protocol.transport.abort()
        task = asyncio.create_task(_disconnect(client, self._timeout_s))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _disconnect(client: Client, timeout_s: float) -> None:
    protocol = client.uaclient.protocol
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.sleep(0)
            await client.disconnect()
    except TimeoutError:
        pass
    finally:
        if protocol is not None and protocol.transport is not None:
            protocol.transport.abort()


async def _read_values(client: Client, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
    request = ua.ReadParameters(
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        NodesToRead=[ua.ReadValueId(node, AttributeIds.Value) for node in nodes],
    )
    answers: list[ua.DataValue] = await client.uaclient.session.read(request)
    return answers


def _reason(error: Exception) -> str:
    """What went wrong, in words a plant's people can use."""
    match error:
        case ConnectionRefusedError():
            return "nothing listens at its address"
        case AssertionError():  # All the library says when the server hangs up on its greeting.
            return "it turns this client away; it may not trust the client's certificate"
        case UaStatusCodeError() if error.code in _SIGN_IN:
            return "it turns this user away: the name or the password is wrong"
        case UaStatusCodeError():
            return str(get_name_and_doc(error.code)[0])
    return str(error) or type(error).__name__
