"""The styles, scripts and pictures of the pages, all from this server."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"


class _Revalidated(StaticFiles):
    """Files that a browser keeps, but asks about: after an update nobody runs old scripts."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def serve_static_files(app: FastAPI) -> None:
    """Serve them under /static."""
    app.mount("/static", _Revalidated(directory=FOLDER), name="static")
