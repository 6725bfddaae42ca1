"""Webhooks: other systems hear of proposals that are filed, decided and carried out.

What is told stands in the audit log, so nothing is told before it is true. How far a hook was told
is kept in the database: after a restart it goes on there. A delivery is repeated until the hook
takes it, so it may come twice, under the same id. A hook that is dead keeps no other one waiting.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Engine, insert, select, update

from copilot import tables
from copilot.approvals import store
from copilot.approvals.headline import headline
from copilot.audit.log import AuditRow, read_head, read_rows
from copilot.beside import beside
from copilot.canonical import digest, read_strict
from copilot.db import reading, writing
from copilot.proposal import write_time
from copilot.settings import WebhookSettings
from copilot.web.services import Services
from copilot_tools.display import printable
from copilot_tools.errors import Failed, Retry, ToolError, Unavailable

EVERY_S = 1.0
LONGEST_WAIT_S = 300.0
PATIENCE_S = 10.0
AT_ONCE = 200
KIND = "proposal."
NEWS = frozenset(
    f"{KIND}{state}"
    for state in (
        "pending_approval", "policy_denied", "approved", "ready", "rejected", "withdrawn",
        "superseded", "expired", "executing", "verified", "failed", "unknown",
        "resolved_applied", "resolved_not_applied",
    )
)  # fmt: skip

_LOG = logging.getLogger("copilot.webhooks")


@asynccontextmanager
async def tell_webhooks(services: Services) -> AsyncIterator[None]:
    """Tell the site's webhooks while the application runs."""
    async with AsyncExitStack() as stack:
        for settings in services.settings.web.webhooks:
            if urlsplit(settings.url).scheme not in ("http", "https"):
                _LOG.error("a webhook is told by http or https only; one is not told at all")
                continue
            engine = services.copilot.database
            hook = Webhook(engine, settings, _pages(services), services.now)
            await asyncio.to_thread(hook.begin)
            await stack.enter_async_context(beside(hook.run()))
        yield


class Webhook:
    """One address that is told the news in their order; `pages` is where a link leads to."""

    def __init__(
        self,
        engine: Engine,
        settings: WebhookSettings,
        pages: str,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._now = now
        self._url = settings.url
        self._secret = settings.secret.get_secret_value().encode()
        self._pages = pages
        self._key = digest(settings.url)

    def begin(self) -> None:
        """Start at the end of the log, unless this address was told something before."""
        c = tables.webhook_positions.c
        with writing(self._engine) as connection:
            known = connection.execute(select(c.seq).where(c.hook == self._key)).scalar()
            if known is None:
                row = {"hook": self._key, "seq": read_head(connection).seq}
                connection.execute(insert(tables.webhook_positions).values(row))

    async def run(self) -> None:
        """Tell what is new, for ever; what fails is tried again, later and later."""
        wait = EVERY_S
        async with httpx.AsyncClient(
            timeout=PATIENCE_S, follow_redirects=False, trust_env=False
        ) as client:
            while True:
                try:
                    await self._tell_news(client)
                    wait = EVERY_S
                except (ToolError, httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                    wait = min(wait * 2, LONGEST_WAIT_S)
                    _LOG.warning("a webhook was not told: %s", type(error).__name__)
                await asyncio.sleep(wait)

    async def _tell_news(self, client: httpx.AsyncClient) -> None:
        while rows := await asyncio.to_thread(self._next_rows):
            for row in rows:
                body = await asyncio.to_thread(self._body, row)
                if body is not None:
                    await self._post(client, row, body)
                    await asyncio.to_thread(self._move, row.seq)
            await asyncio.to_thread(self._move, rows[-1].seq)

    async def _post(self, client: httpx.AsyncClient, row: AuditRow, body: bytes) -> None:
        time = write_time(self._now())
        signature = hmac.new(self._secret, f"{time}.".encode() + body, "sha256").hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Copilot-Delivery": digest(f"{self._key} {row.hash}")[:32],
            "X-Copilot-Timestamp": time,
            "X-Copilot-Signature": f"sha256={signature}",
        }
        async with (
            asyncio.timeout(2 * PATIENCE_S),
            client.stream("POST", self._url, content=body, headers=headers) as answer,
        ):
            if not answer.is_success:
                raise Unavailable("a webhook", f"it answered {answer.status_code}")

    def _next_rows(self) -> list[AuditRow]:
        c = tables.webhook_positions.c
        with reading(self._engine) as connection:
            seq = connection.execute(select(c.seq).where(c.hook == self._key)).scalar_one()
            rows = read_rows(connection, seq)
            return [row for _, row in zip(range(AT_ONCE), rows, strict=False)]

    def _move(self, seq: int) -> None:
        c = tables.webhook_positions.c
        told = update(tables.webhook_positions).where(c.hook == self._key).values(seq=seq)
        with writing(self._engine) as connection:
            connection.execute(told)

    def _body(self, row: AuditRow) -> bytes | None:
        """The news of a row: numbers and the line built by us, no words of people."""
        try:
            content = read_strict(row.text)
            if content["kind"] not in NEWS:
                return None
            with reading(self._engine) as connection:
                record = store.get(connection, content["proposal"])
        except (Retry, Failed, ValueError, KeyError):
            _LOG.error("audit row %s tells nothing that could be passed on", row.seq)
            return None
        news: dict[str, Any] = {
            "event": content["kind"],
            "number": record.number,
            "state": content["kind"].removeprefix(KIND),
            "says": printable(headline(record.proposal.change)),
            "asset": record.proposal.change.target.asset,
            "at": content["at"],
            "link": f"{self._pages}/approvals/{record.number}",
        }
        return json.dumps(news, sort_keys=True).encode()


def _pages(services: Services) -> str:
    """The address of the pages, as people in the plant call it."""
    web = services.settings.web
    scheme = "https" if web.certificate else "http"
    host = web.hosts[0] if web.hosts else web.host
    standard = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{host}" + ("" if web.port == standard else f":{web.port}")
