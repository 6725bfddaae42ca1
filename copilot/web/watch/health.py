"""Whether the server lives, and whether it is ready: for load balancers, containers and people.

Both are open to everybody, so they say that a part is out of order, never why.
"""

import asyncio
from typing import Literal

from fastapi import APIRouter
from sqlalchemy import Engine
from starlette.responses import JSONResponse

from copilot import revisions
from copilot.db import reading
from copilot.web.access import Anybody, Served
from copilot.web.services import Services
from copilot.web.watch.watching import Watch, Watching
from copilot_tools.errors import Unavailable

State = Literal["ok", "warming", "degraded", "failing"]
GOOD: frozenset[State] = frozenset(("ok", "warming"))

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def say_alive(visitor: Anybody) -> dict[str, str]:
    """That the process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def say_ready(visitor: Anybody, services: Served, watch: Watching) -> JSONResponse:
    """Each part in a word; status 503 when pages cannot be served.

    A dead source or model only makes the copilot degraded: its pages say so themselves.
    """
    parts = await examine(services, watch)
    states = set(parts.values())
    worst: State = "ok" if states <= GOOD else "degraded"
    if parts["database"] == "failing":
        worst = "failing"
    return JSONResponse({"status": worst, "parts": parts}, 503 if worst == "failing" else 200)


async def examine(services: Services, watch: Watch) -> dict[str, State]:
    """The state of every part."""
    database, sources = await asyncio.gather(
        asyncio.to_thread(_database, services.copilot.database), watch.sources.look()
    )
    parts: dict[str, State] = {"database": database, "model": watch.model}
    for name, answers in sources.items():
        parts[name] = "ok" if answers else "degraded"
    return parts


def _database(engine: Engine) -> State:
    try:
        with reading(engine) as connection:
            return "ok" if revisions.current(connection) == revisions.newest() else "failing"
    except Unavailable:
        return "failing"
