"""The works behind a real socket, for clients that bring their own transport."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from web_fixture import Works


@asynccontextmanager
async def serve(works: Works) -> AsyncIterator[str]:
    """The address of the works on a free port; its application has been started already."""
    config = uvicorn.Config(works.app, port=0, lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110, it offers nothing to wait for
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
