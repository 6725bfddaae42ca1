"""Every route and what it asks of its visitor: a route without a row in permissions/ fails here."""

import asyncio
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from account_fixture import PASSWORD
from fastapi.routing import APIRoute, iter_route_contexts
from proposing import look, propose, say, state
from web_fixture import Works

from copilot.accounts.sessions import Kind
from copilot.actor import Role
from copilot.approvals.states import State
from copilot.web.access import COOKIE, CSRF_HEADER, SAFE, Allowed, form_secret

FOLDER = Path(__file__).parent / "permissions"
MOUNTED = {"/static"}  # styles and scripts, the same for everybody
PEOPLE = ("olga", "tina", "sara", "emil", "root")  # one of each role
VISITORS = ("nobody", "token", "badge", *PEOPLE)
VALUES = {"asset": "M-1", "name": "nothing.png"}
GRANTED = {
    "open": set(VISITORS),
    "read": set(VISITORS) - {"nobody"},
    "own": {"badge", *PEOPLE},
    "decide": set(PEOPLE),
    "admin": {"root"},
}


def read_rows() -> dict[str, str]:
    """The permission of every route, as the rooms declare them."""
    rows: dict[str, str] = {}
    for file in sorted(FOLDER.glob("*.toml")):
        for route, permission in tomllib.loads(file.read_text(encoding="utf-8")).items():
            assert route not in rows, f"{route} has two rows"
            rows[route] = permission
    return rows


ROWS = read_rows()


def routes(works: Works) -> Iterator[tuple[str, Any]]:
    """Everything that the application answers: "GET /plant" and its route."""
    for context in iter_route_contexts(works.app.routes):
        if context.path in MOUNTED:
            continue
        for method in sorted((context.methods or {"MOUNT"}) - {"HEAD"}):
            yield f"{method} {context.path}", context.original_route


def declared(route: Any) -> set[str]:
    """What the visitors of a route are asked for."""
    calls = [dependency.call for dependency in route.dependant.dependencies]
    return {str(call.permission) for call in calls if isinstance(call, Allowed)}


def headers_of(works: Works, visitor: str) -> dict[str, str]:
    """What a visitor's program or browser sends along, besides the secret of its forms."""
    if visitor == "nobody":
        return {}
    if visitor == "token":
        return {"authorization": f"Bearer {works.services.tokens.add('scada', 9, by='root')}"}
    name, kind = ("olga", Kind.BADGE) if visitor == "badge" else (visitor, Kind.FULL)
    token = works.services.sessions.begin(name, kind, "test")
    return {"cookie": f"{COOKIE}={token}"}


async def status_of(works: Works, route: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and location of the answer; a stream is left as soon as it has begun."""
    method, _, path = route.partition(" ")
    path = re.sub(r"{(\w+)(?::\w+)?}", lambda found: VALUES.get(found[1], "1"), path)
    sent = {"host": "127.0.0.1", "accept": "application/json", "content-length": "0", **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8180),
    }
    begun: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await begun
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and not begun.done():
            found = {name.decode(): value.decode() for name, value in message["headers"]}
            begun.set_result((message["status"], found.get("location", "")))

    serving = asyncio.create_task(works.app(scope, receive, send))
    await asyncio.wait((serving, begun), return_when=asyncio.FIRST_COMPLETED)
    _, going_on = await asyncio.wait((serving,), timeout=3)
    for task in going_on:
        task.cancel()
    await asyncio.wait((serving,))
    return begun.result()


async def test_every_route_has_a_row_and_asks_for_what_it_says(works: Works):
    wrong = []
    for route, original in routes(works):
        row = ROWS.get(route)
        if row not in GRANTED:
            wrong.append(f"{route} has no row in tests/web/permissions/")
        elif isinstance(original, APIRoute) and declared(original) != {row}:
            wrong.append(f"{route} asks for {declared(original) or 'nothing'}, its row for {row}")
    assert not wrong, "\n".join(wrong)


async def test_every_row_has_a_route(works: Works):
    assert set(ROWS) <= {route for route, _ in routes(works)}


@pytest.mark.parametrize("visitor", VISITORS)
async def test_a_page_opens_for_whom_it_is_for(works: Works, visitor: str):
    headers, wrong = headers_of(works, visitor), []
    for route, permission in ROWS.items():
        if route.split()[0] not in SAFE:
            continue
        status, _ = await status_of(works, route, headers)
        if visitor in GRANTED[permission]:
            right = status not in (401, 403) and (status < 500 or status == 503)
        else:
            right = status == (401 if visitor == "nobody" else 403)
        if not right:
            wrong.append(f"{route} answered {visitor} with {status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("visitor", VISITORS)
async def test_nothing_is_done_for_whom_it_is_not_for(works: Works, visitor: str):
    """Those it is for are the business of each room's own tests."""
    headers, wrong = headers_of(works, visitor), []
    if "cookie" in headers:
        headers[CSRF_HEADER.lower()] = form_secret(headers["cookie"].partition("=")[2])
    for route, permission in ROWS.items():
        if route.split()[0] in SAFE or visitor in GRANTED[permission]:
            continue
        status, _ = await status_of(works, route, headers)
        if status != (401 if visitor == "nobody" else 403):
            wrong.append(f"{route} answered {visitor} with {status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("visitor", [name for name in VISITORS if name not in ("nobody", "token")])
@pytest.mark.parametrize("secret", ["", "of another session"])
async def test_without_the_secret_of_its_session_no_form_is_taken(
    works: Works, visitor: str, secret: str
):
    headers, wrong = headers_of(works, visitor), []
    if secret:
        headers[CSRF_HEADER.lower()] = form_secret(secret)
    for route in ROWS:
        if route.split()[0] not in SAFE:
            status, _ = await status_of(works, route, headers)
            if status != 403:
                wrong.append(f"{route} answered {visitor} with {status}")
    assert not wrong, "\n".join(wrong)


async def test_whoever_is_not_signed_in_is_led_to_the_form_and_back(works: Works):
    wrong = []
    for route, permission in ROWS.items():
        programs_only = route.startswith("GET /v1/")
        if route.split()[0] == "GET" and permission != "open" and not programs_only:
            status, location = await status_of(works, route, {"accept": "text/html"})
            if status != 303 or not location.startswith("/sign-in?next=/"):
                wrong.append(f"{route} answered with {status} {location}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("area", ["N", "S"])
@pytest.mark.parametrize("role", list(Role))
async def test_only_who_is_in_charge_of_the_machines_area_approves(
    works: Works, role: Role, area: str
):
    """The mixer stands in area N; what the route lets pass, the policy of the site judges."""
    name = f"{role}-{area.lower()}"
    works.services.accounts.add(name, role, [area], PASSWORD, by="root")
    record = await propose(works)
    client = await works.client(name)
    await look(client, record)
    answer = await say(client, record, "approve")
    in_charge = role in (Role.SUPERVISOR, Role.ENGINEER) and area == "N"
    assert answer.status_code == (303 if in_charge else 403), answer.text
    assert state(works, record) is (State.READY if in_charge else State.PENDING)
