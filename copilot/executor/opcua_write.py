"""The one connection that may write to the plant, and what it reads to know what it writes.

Nothing here is ever sent twice: a lost answer is an uncertain outcome, not a reason to try again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from asyncua import ua
from asyncua.client.ua_client import UaClientState
from asyncua.ua.attribute_ids import AttributeIds

from copilot.executor.outcome import FAULTS, NOT_SENT, Sent, judge_fault, judge_status
from copilot_tools.sources.opcua import OpcUaTelemetry, plain_value
from copilot_tools.sources.opcua_connection import Link
from copilot_tools.sources.opcua_security import ChannelSecurity

_SERVER_TIME = ua.NodeId.from_string("i=2258")

T = TypeVar("T")


class WriteConnection:
    """The executor's own session with the OPC UA server.

    `telemetry` reads over the same session, so that what is checked is what is written. A `Link` is
    one session: node ids resolved on it hold as long as it lives, and what was prepared on it is
    only sent on it. A lost session is never revived; the next read opens a new one.
    """

    def __init__(
        self,
        url: str,
        user: str | None = None,
        password: str | None = None,
        timeout_s: float = 2.0,
        security: ChannelSecurity | None = None,
    ) -> None:
        self.telemetry = OpcUaTelemetry(
            url, user, password, timeout_s, application="executor", security=security
        )
        self.timeout_s = timeout_s

    async def renew(self) -> None:
        """Drop the session: the next change starts on a fresh one, with nothing remembered."""
        await self.telemetry.close()

    async def close(self) -> None:
        """Release the connection."""
        await self.telemetry.close()

    async def read(self, request: Callable[[Link], Awaitable[T]]) -> T:
        """The answer to a read-only request; raises Unavailable in one clear line."""
        return await self.telemetry.connection.call(request)

    async def server_time(self, link: Link) -> datetime | None:
        """The server's clock (UTC); None when this very session does not live any more.

        Asked for right before sending: what is known to reach nobody need not be sent.
        """
        if link.client.state is not UaClientState.CONNECTED:
            return None
        try:
            async with asyncio.timeout(self.timeout_s):
                (answer,) = await link.read([_SERVER_TIME])
        except FAULTS:
            return None
        time = plain_value(answer.Value.Value if answer.Value else None)
        return time if isinstance(time, datetime) else None

    async def write(self, link: Link, *items: tuple[ua.NodeId, ua.Variant]) -> list[Sent]:
        """Write values in one request, once; what came of each.

        Neither timestamps nor a status go with the values: many controllers answer
        BadWriteNotSupported to them.
        """
        request = ua.WriteParameters(
            NodesToWrite=[
                ua.WriteValue(
                    NodeId=node,
                    AttributeId=AttributeIds.Value,
                    Value=ua.DataValue(value, StatusCode=None),
                )
                for node, value in items
            ]
        )

        async def ask() -> Sequence[ua.StatusCode]:
            statuses: Sequence[ua.StatusCode] = await link.client.uaclient.session.write(request)
            return statuses

        return await self._once(link, ask, len(items))

    async def call(
        self, link: Link, owner: ua.NodeId, method: ua.NodeId, *arguments: ua.Variant
    ) -> Sent:
        """Call a method of the object `owner`, once; what came of it."""
        request = ua.CallMethodRequest(
            ObjectId=owner, MethodId=method, InputArguments=list(arguments)
        )

        async def ask() -> Sequence[ua.StatusCode]:
            results = await link.client.uaclient.session.call([request])
            return [result.StatusCode for result in results]

        (sent,) = await self._once(link, ask, 1)
        return sent

    async def _once(
        self, link: Link, ask: Callable[[], Awaitable[Sequence[ua.StatusCode]]], items: int
    ) -> list[Sent]:
        if link.client.state is not UaClientState.CONNECTED:
            return [NOT_SENT] * items
        try:
            async with asyncio.timeout(self.timeout_s):
                statuses = await ask()
        except FAULTS as error:
            with suppress(*FAULTS):  # Whatever becomes of the old session, the outcome stands.
                await self.renew()
            return [judge_fault(error)] * items
        if len(statuses) != items:
            return [Sent("uncertain", "the server's answer does not fit the request")] * items
        return [judge_status(status.value) for status in statuses]
