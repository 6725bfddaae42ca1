"""What programs can do here: the OpenAPI document for them, a page for those who write them."""

from functools import lru_cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, JSONResponse, Response

from copilot.web.access import COOKIE, Reader
from copilot.web.api import ask, openai, proposals, tools
from copilot.web.api.calls import READING
from copilot.web.api.chat_completions import MODEL
from copilot.web.api.problems import LOOKING, problems
from copilot.web.rendering import render
from copilot.web.strict import StrictRoute
from copilot_tools.tool import Tool

PATH = "/api/v1/openapi.json"
ABOUT = """\
Look up live values, history, alarms, health, quality, orders, parts and manuals of the plant, and
ask questions in words. Every value comes with its unit, quality, time (UTC) and source. Nothing
here changes the plant or decides about a change: that is for people, on the pages.

Send a service token as `Authorization: Bearer copilot_...`, or use the cookie of a session; what
a session sends by POST needs its form secret in `X-CSRF-Token`. Bodies are read strictly: a key
that stands twice, NaN and numbers that would be rounded are refused.
"""
SECURITY = {
    "service token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "find_assets": {"state": "fault"},
    "read_signals": {"asset": "K-7", "signals": ["discharge pressure"]},
    "read_trend": {"asset": "K-7", "signal": "discharge pressure", "window": "8h"},
    "list_alarms": {"active_only": True},
}

router = APIRouter(route_class=StrictRoute)


@router.get(PATH, include_in_schema=False)
async def show_document(visitor: Reader) -> Response:
    """The OpenAPI document."""
    return JSONResponse(describe())


@router.get("/interfaces", include_in_schema=False)
async def show_page(request: Request, visitor: Reader) -> HTMLResponse:
    """How other programs ask and look things up here, with examples."""
    address = str(request.base_url).rstrip("/")
    return render(
        request, "interfaces.html", visitor, address=address, model=MODEL, tools=tuple(READING)
    )


@lru_cache
def describe() -> dict[str, Any]:
    """The document: the routes for programs, each read tool as an operation of its own."""
    routers = (tools.router, ask.router, proposals.router, openai.router)
    document = get_openapi(
        title="Industrial copilot",
        version=version("industrial-copilot"),
        description=ABOUT,
        routes=[route for router in routers for route in router.routes],
    )
    paths = document["paths"]
    call = paths.pop("/api/v1/tools/{tool}")["post"]
    for tool in READING:
        paths[f"/api/v1/tools/{tool.name}"] = {"post": _operation(tool, call)}
    paths[PATH] = {"get": _own_operation()}
    document["components"]["securitySchemes"] = SECURITY
    document["security"] = [{name: []} for name in SECURITY]
    return document


def _operation(tool: Tool, call: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": tool.arguments.model_json_schema()}
    if tool.name in EXAMPLES:
        content["example"] = EXAMPLES[tool.name]
    return {
        "tags": call["tags"],
        "operationId": tool.name,
        "summary": tool.purpose,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": call["responses"],
    }


def _own_operation() -> dict[str, Any]:
    """The document's own entry; its route gives plain JSON, so FastAPI knows no shape of it."""
    refusals = {
        str(status): {
            "description": what["description"],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}},
        }
        for status, what in problems(*LOOKING).items()
    }
    success = {
        "description": "The OpenAPI document.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    return {
        "operationId": "openapi",
        "summary": "This document",
        "tags": ["document"],
        "responses": {"200": success, **refusals},
    }
