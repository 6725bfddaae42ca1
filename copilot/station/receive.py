"""Pictures by HTTP: `POST /inspections?line=L1&lot=B-7` with the picture as body, verdict as JSON.

It listens on this machine only. A body must say that it is a picture (`Content-Type: image/...`),
which no page of a browser can send here unasked.
"""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from copilot.station.inbox import REFUSED
from copilot.station.labels import parse_labels
from copilot.station.station import Station, Taken, write_whole
from copilot_tools.errors import Unavailable
from copilot_tools.vision.pictures import MOST_BYTES, Refused

LOCAL = ("127.0.0.1", "localhost", "[::1]", "::1")


def web_application(station: Station, inbox: Path, told: Callable[[str, Any], None]) -> Starlette:
    """The receiving side; pictures that are refused are kept as those of the inbox are."""

    async def receive(request: Request) -> JSONResponse:
        if request.url.hostname not in LOCAL:
            return _answer("ask for this machine by its own name", HTTPStatus.FORBIDDEN)
        if not request.headers.get("content-type", "").startswith("image/"):
            return _answer(
                "the body must be a picture, with Content-Type: image/...",
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        content = bytearray()
        async for piece in request.stream():
            content += piece
            if len(content) > MOST_BYTES:
                return _answer("the picture is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            said = parse_labels(dict(request.query_params))
            taken = await to_thread.run_sync(station.take, bytes(content), said)
        except Refused as refused:
            await to_thread.run_sync(_keep_refused, inbox, bytes(content), str(refused))
            told("a picture by HTTP", str(refused))
            return _answer(str(refused), HTTPStatus.UNPROCESSABLE_ENTITY)
        except Unavailable as error:
            return _answer(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
        told("a picture by HTTP", taken)
        return JSONResponse(_as_json(taken), HTTPStatus.CREATED if taken.new else HTTPStatus.OK)

    return Starlette(routes=[Route("/inspections", receive, methods=["POST"])])


def _answer(reason: str, status: HTTPStatus) -> JSONResponse:
    return JSONResponse({"refused": reason}, status)


def _as_json(taken: Taken) -> dict[str, Any]:
    verdict = taken.verdict
    return {
        "id": str(taken.id),
        "new": taken.new,
        "passed": verdict.passed,
        "defect": verdict.defect,
        "score": verdict.score,
        "review": verdict.review,
        "boxes": verdict.boxes,
        "model": verdict.model,
        "line": taken.labels.line,
        "product": taken.labels.product,
        "lot": taken.labels.lot,
    }


def _keep_refused(inbox: Path, content: bytes, reason: str) -> None:
    from hashlib import sha256

    folder = inbox / REFUSED
    folder.mkdir(parents=True, exist_ok=True)
    name = f"http-{sha256(content).hexdigest()[:16]}"
    write_whole(folder / name, content)
    write_whole(folder / f"{name}.txt", f"{name}: {reason}\n".encode())
