"""The web application: its routers, its layers, its beginning and end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.responses import RedirectResponse

from copilot.health.loaded import kept_loaded
from copilot.web.access import Anybody
from copilot.web.api import ask, document, mcp, openai, proposals, tools
from copilot.web.auth import account, kiosk, oidc, sign_in
from copilot.web.errors import handle_errors
from copilot.web.guard import Guard
from copilot.web.live import stream
from copilot.web.manuals_watch import watch_manuals
from copilot.web.pages import (
    alarms,
    approvals,
    asset,
    chat,
    conversations,
    documents,
    images,
    inspection,
    oee,
    orders,
    overview,
    preferences,
    quality,
)
from copilot.web.services import Services
from copilot.web.static_files import serve_static_files
from copilot.web.watch import health, metrics, observed
from copilot.web.webhooks import tell_webhooks

home = APIRouter()

ROUTERS = (
    home,
    overview.router,
    asset.router,
    alarms.router,
    quality.router,
    inspection.router,
    orders.router,
    oee.router,
    documents.router,
    images.router,
    chat.router,
    conversations.router,
    approvals.router,
    preferences.router,
    sign_in.router,
    kiosk.router,
    oidc.router,
    account.router,
    stream.router,
    tools.router,
    ask.router,
    proposals.router,
    document.router,
    openai.router,
    mcp.router,
    health.router,
    metrics.router,
)


@home.get("/", include_in_schema=False)
async def begin(visitor: Anybody) -> RedirectResponse:
    """Everybody begins with the plant."""
    return RedirectResponse("/plant", 303)


def create_application(services: Services) -> FastAPI:
    """The application over its services; it closes them when it ends, all but the copilot."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(services.values.running())
            await stack.enter_async_context(services.runs.running())
            await stack.enter_async_context(tell_webhooks(services))
            await stack.enter_async_context(watch_manuals(services))
            if services.copilot.watch is not None:
                await stack.enter_async_context(services.copilot.watch.running())
            if services.copilot.plant.models is not None:
                await stack.enter_async_context(kept_loaded(services.copilot.plant.models))
            await stack.enter_async_context(mcp.running(app))
            yield

    app = FastAPI(
        title="Industrial copilot",
        version=version("industrial-copilot"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    mcp.mount(app)
    serve_static_files(app)
    handle_errors(app)
    app.add_middleware(Guard, hosts=services.settings.web.hosts)
    observed.observe(app)
    return app
