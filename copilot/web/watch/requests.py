"""Every request: numbered, counted, logged, and traced where traces are wanted.

Plain ASGI, so that streams pass as they are. Paths and what was asked are left out of the log:
they may hold words of people. The route's template says where it went.
"""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from copilot.web.watch.metrics import Metrics

if TYPE_CHECKING:
    from copilot.web.watch.tracing import Traces

HEADER = "X-Request-ID"
STREAM = "text/event-stream"
NOWHERE = "(none)"
QUIET = frozenset(("/healthz", "/readyz", "/metrics", "/static"))

_log = logging.getLogger("copilot.web.requests")


class Requests:
    """The layer that watches requests."""

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: "Traces | None" = None) -> None:
        self._app = app
        self._metrics = metrics
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number, status, streams = uuid4().hex, 500, False

        async def answer(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = Headers(raw=message["headers"]).get("content-type", "").startswith(STREAM)
                if streams:
                    self._metrics.stream(opened=True)
                MutableHeaders(scope=message)[HEADER] = number
            await send(message)

        began = time.perf_counter()
        with bound_contextvars(request_id=number), self._traced(scope) as trace:
            try:
                await self._app(scope, receive, answer)
            finally:
                if streams:
                    self._metrics.stream(opened=False)
                trace(route_of(scope), status)
                self._tell(scope, status, time.perf_counter() - began)

    def _traced(self, scope: Scope) -> AbstractContextManager[Callable[[str, int], None]]:
        if self._traces is None:
            return nullcontext(lambda _route, _status: None)
        return self._traces.request(scope["method"], Headers(scope=scope))

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        self._metrics.answered(route, status)
        visitor = scope.get("state", {}).get("visitor")
        level = logging.DEBUG if route in QUIET and status < 400 else logging.INFO
        facts = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
            "account": visitor.actor.name if visitor else "",
        }
        _log.log(level, "request", extra=facts)


def route_of(scope: Scope) -> str:
    """The template of the route that a request came to; one word for all that came to none."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str) and path:
        return path
    return (scope.get("root_path") or NOWHERE) if "endpoint" in scope else NOWHERE
