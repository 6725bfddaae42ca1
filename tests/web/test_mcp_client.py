"""The model context protocol, spoken by its official client over a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from served_works import serve
from web_fixture import Works


@asynccontextmanager
async def agent(works: Works, url: str, mode: str = "auto") -> AsyncIterator[Client]:
    secret = works.services.tokens.add("agent", 30, by="root")
    headers = {"Authorization": f"Bearer {secret}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_lists_and_calls_the_read_tools(works: Works, mode: str):
    async with serve(works) as url, agent(works, url, mode) as client:
        listed = await client.list_tools()
        names = {tool.name for tool in listed.tools}
        assert {"read_signals", "search_manuals"} <= names
        assert not names & {"write_setpoint", "send_command", "create_work_order", "reply"}
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in listed.tools)
        result = await client.call_tool("read_signals", {"asset": "M-1"})
        assert not result.is_error
        assert result.structured_content is not None
        fact = next(f for f in result.structured_content["facts"] if f["name"] == "motor current")
        assert (fact["value"], fact["unit"], fact["quality"]) == (15.5, "A", "good")
        assert fact["source"]["system"]
        assert fact["time"]


async def test_what_an_agent_asks_wrongly_is_an_error_it_can_read(works: Works):
    async with serve(works) as url, agent(works, url) as client:
        for name, arguments, says in (
            ("read_signals", {"asset": "Q-9"}, "Q-9"),
            ("read_signals", {"asset": "M-1", "machine": 1}, "machine"),
            ("write_setpoint", {"asset": "M-1", "setpoint": "speed", "value": 1050}, "no tool"),
            ("nothing", {}, "no tool"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error, name
            assert says in result.content[0].text  # type: ignore[union-attr]
    assert works.services.copilot.desk is not None
    assert works.services.copilot.desk.list() == []


async def test_nobody_speaks_without_a_token_or_to_another_host(works: Works):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream"}
    async with serve(works) as url, httpx2.AsyncClient(base_url=url, headers=accept) as http:
        refused = await http.post("/mcp", json=message)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        secret = works.services.tokens.add("agent", 30, by="root")
        http.headers["Authorization"] = f"Bearer {secret}"
        assert (await http.post("/mcp", json=message)).status_code == 200
        rebound = await http.post("/mcp", json=message, headers={"Host": "evil.example"})
        assert rebound.status_code == 421
        foreign = await http.post("/mcp", json=message, headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403
        twice = await http.post("/mcp", content='{"id": 1, "id": 2}')
        assert twice.status_code == 400
        assert (await http.get("/mcp")).status_code == 405
        works.services.tokens.revoke("agent", by="root")
        assert (await http.post("/mcp", json=message)).status_code == 401
