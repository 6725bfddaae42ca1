"""The chat completions interface, spoken by the openai client over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion
from served_works import serve
from sqlalchemy import select
from web_fixture import Works

from copilot import tables
from copilot.db import reading
from copilot.web.api.asking import MOST_AT_ONCE, Busy

MODEL = "industrial-copilot"
QUESTION = {"role": "user", "content": "how is the mixer?"}


@asynccontextmanager
async def chat_client(works: Works) -> AsyncIterator[openai.AsyncOpenAI]:
    secret = works.services.tokens.add("chat", 30, by="root")
    async with (
        serve(works) as url,
        openai.AsyncOpenAI(api_key=secret, base_url=f"{url}/v1", max_retries=0) as client,
    ):
        yield client


async def say(client: openai.AsyncOpenAI, *messages: Any, **more: Any) -> ChatCompletion:
    return await client.chat.completions.create(model=MODEL, messages=list(messages), **more)


async def hang_up_early(client: openai.AsyncOpenAI) -> None:
    """Ask for a stream and close the connection as soon as something of it has come."""
    body = json.dumps({"model": MODEL, "messages": [QUESTION], "stream": True}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {client.base_url.host}\r\n"
        f"Authorization: Bearer {client.api_key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    port = client.base_url.port
    reader, writer = await asyncio.open_connection(client.base_url.host, port)
    writer.write(head.encode() + body)
    await reader.readuntil(b"data: ")
    writer.close()
    await writer.wait_closed()


async def test_a_chat_client_finds_the_model_and_gets_an_answer(works: Works):
    async with chat_client(works) as client:
        models = await client.models.list()
        assert [model.id for model in models.data] == [MODEL]
        assert (await client.models.retrieve(MODEL)).id == MODEL
        answer = await say(client, QUESTION, temperature=0.2, max_tokens=50)
    choice = answer.choices[0]
    assert choice.finish_reason == "stop"
    assert choice.message.content is not None
    assert "15.5 A" in choice.message.content
    assert answer.usage is not None
    assert answer.usage.total_tokens == 0


async def test_a_streamed_answer_is_the_same_and_ends(works: Works):
    parts = [{"type": "text", "text": "how is"}, {"type": "text", "text": "the mixer?"}]
    async with chat_client(works) as client:
        whole = (await say(client, QUESTION)).choices[0].message.content
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": parts}],  # type: ignore[list-item, misc]
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    told = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert told == whole
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


async def test_a_follow_up_knows_what_was_asked_and_no_other_token_does(works: Works):
    works.planner.script = {
        **works.planner.script,
        "and its speed?": [{"tool": "read_signals", "asset": "M-1", "signals": ["speed"]}],
    }
    follow_up = {"role": "user", "content": "and its speed?"}
    async with chat_client(works) as client:
        first = (await say(client, QUESTION)).choices[0].message.content
        answered = {"role": "assistant", "content": first}
        await say(client, QUESTION, answered, follow_up)
        history = works.planner.histories[-1]
        assert [turn.user for turn in history] == ["how is the mixer?"]
        assert "M-1 Mixer" in history[0].mentions
        assert len(works.planner.histories) == 2
        # A thread of somebody else is planned again from its words; nothing found comes along.
        other = client.copy(api_key=works.services.tokens.add("other", 30, by="root"))
        await say(other, QUESTION, answered, follow_up)
        replayed = works.planner.histories[-1]
        assert [turn.user for turn in replayed] == ["how is the mixer?"]
        assert replayed[0].mentions == ()
        await say(client, follow_up)
        assert works.planner.histories[-1] == []


async def test_a_change_is_not_proposed_whoever_asks(works: Works):
    async with chat_client(works) as client:
        answer = await say(client, {"role": "user", "content": "set the mixer to 1050 rpm"})
    assert "signed in" in (answer.choices[0].message.content or "")
    assert works.services.copilot.desk is not None
    assert works.services.copilot.desk.list() == []


async def test_what_is_not_served_is_refused_in_the_form_clients_know(works: Works):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    async with chat_client(works) as client:
        for message, more, parameter in (
            (QUESTION, {"n": 2}, "n"),
            (QUESTION, {"tools": [tool]}, "tools"),
            (QUESTION, {"response_format": {"type": "json_object"}}, "response_format"),
            (QUESTION, {"logprobs": True}, "logprobs"),
            ({"role": "user", "content": [image]}, {}, "messages.0.content"),
            ({"role": "assistant", "content": "I"}, {}, "messages"),
            ({"role": "tool", "content": "x", "tool_call_id": "1"}, {}, "messages.0.role"),
        ):
            with pytest.raises(openai.BadRequestError) as refused:
                await say(client, message, **more)
            assert refused.value.param == parameter
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.chat.completions.create(model="gpt-9", messages=[QUESTION])  # type: ignore[list-item]
        assert unknown.value.code == "model_not_found"
        with pytest.raises(openai.AuthenticationError):
            await client.copy(api_key="copilot_wrong").models.list()


async def test_a_token_has_only_so_many_questions_running(works: Works):
    busy = works.app.state.busy = Busy()
    async with chat_client(works) as client:
        held = [busy.one("token:chat") for _ in range(MOST_AT_ONCE)]
        for one in held:
            one.__enter__()
        with pytest.raises(openai.RateLimitError) as refused:
            await say(client, QUESTION)
        assert refused.value.response.headers["Retry-After"]
        held[0].__exit__(None, None, None)
        assert (await say(client, QUESTION)).choices[0].message.content
        assert (await say(client, QUESTION, stream=False)).choices


async def test_who_hangs_up_holds_nothing_and_leaves_nothing_running(works: Works):
    async with chat_client(works) as client:
        for _ in range(2 * MOST_AT_ONCE):
            await hang_up_early(client)
            while works.app.state.busy.running("token:chat"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await say(client, QUESTION)).choices
    with reading(works.services.copilot.database) as connection:
        states = set(connection.execute(select(tables.runs.c.state)).scalars())
    assert states <= {"ended", "stopped"}
