"""What every request passes first: known host, own origin, sane size; every answer gets headers.

Plain ASGI, so that streams pass through it as they are.
"""

import asyncio
import time
from collections.abc import Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1_000_000  # bytes
TOO_LARGE = f"at most {LARGEST_BODY:,} bytes can be sent at once"
BODY_PATIENCE_S = 15.0
LOCAL = ("localhost", "127.0.0.1", "[::1]")
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """The outermost layer of the application; `hosts` are the names it may be called by, and
    `patience_s` is how long the body of a request may take to arrive.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] = (), patience_s: float = BODY_PATIENCE_S
    ) -> None:
        self._app = app
        self._hosts = frozenset((*LOCAL, *(host.lower() for host in hosts)))
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(scope, message)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, _bounded(receive, self._patience_s), answer)
            return
        status, why = refusal
        body = {"error": {"message": why, "type": "refused", "code": status}}
        await JSONResponse(body, status)(scope, receive, answer)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        named = headers.getlist("host")
        host = named[0] if len(named) == 1 else ""
        if _name(host) not in self._hosts:
            return 421, f"this copilot is not called {_name(host)!r}; see [web] hosts"
        if scope["method"] not in SAFE:
            origins, fetched = headers.getlist("origin"), headers.get("sec-fetch-site")
            foreign = any(_place(origin) != host.lower() for origin in origins)
            if foreign or fetched not in (None, "same-origin", "none"):
                return 403, "this was sent from another site"
        if _is_large(headers.get("content-length", "0")):
            return 413, TOO_LARGE
        return None


def _place(origin: str) -> str:
    """Host and port of an origin, empty for one that has none, as "null"."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_large(length: str) -> bool:
    digits = length.strip().lstrip("0") or "0"
    sane = digits.isdecimal() and len(digits) <= len(str(LARGEST_BODY))
    return not sane or int(digits) > LARGEST_BODY


def _name(host: str) -> str:
    """A host without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _add_headers(scope: Scope, message: Message) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    headers.setdefault("Cache-Control", "no-store")


def _bounded(receive: Receive, patience_s: float) -> Receive:
    """Take no more than a sane body, and not for ever."""
    taken, late, whole = 0, time.monotonic() + patience_s, False

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal taken, whole
        if whole:  # What follows is only the news that the client has gone.
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(late - time.monotonic(), 0.01))
        except TimeoutError:
            raise HTTPException(408, "the request did not arrive in time") from None
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise HTTPException(413, TOO_LARGE)
        whole = not message.get("more_body", False)
        return message

    return bounded
