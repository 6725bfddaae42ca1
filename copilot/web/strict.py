"""Routes whose JSON bodies are read strictly: no key twice, no NaN, no number that is rounded."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from copilot.canonical import read_strict


class StrictRequest(Request):
    """A request that takes only one meaning out of a body."""

    async def json(self) -> Any:
        """The JSON object of the body; anything else is answered with status 400."""
        if not hasattr(self, "_json"):
            try:
                self._json = read_strict((await self.body()).decode("utf-8"))
                _check_texts(self._json)
            except ValueError as error:
                raise HTTPException(400, f"the body {_why(error)}") from None
        return self._json


class StrictRoute(APIRoute):
    """A route of a router with `route_class=StrictRoute`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, given a strict request."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


def _check_texts(content: dict[str, Any]) -> None:
    """Raise ValueError for what no database keeps as it was sent: NUL and half characters."""
    text = json.dumps(content, ensure_ascii=False)
    if "\\u0000" in text:
        raise ValueError("holds a character that cannot be kept")
    text.encode("utf-8")


def _why(error: ValueError) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "holds half a character"
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    text = str(error)
    return text if text.startswith(("is ", "holds ")) else f"is not valid JSON: {text}"
