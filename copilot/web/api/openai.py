"""The chat completions interface, so that any chat client can ask."""

import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from copilot.events import Answered, Event, Noticed
from copilot.web.access import NotSignedIn, Reader, Served
from copilot.web.api.asking import ask, reply_to
from copilot.web.api.chat_completions import (
    MODEL,
    AnswerMessage,
    ChatCompletion,
    Choice,
    Completion,
    ModelList,
    ModelShape,
    Usage,
    Wrong,
    WrongShape,
    check_model,
    said,
)
from copilot.web.api.problems import ASKING, LOOKING, MEANINGS
from copilot.web.api.threads import conversation_for, threads_of
from copilot.web.strict import StrictRoute
from copilot_tools.display import printable
from copilot_tools.errors import Denied, Failed, Retry, ToolError, Unavailable

_KINDS: dict[type[ToolError], int] = {Retry: 400, Denied: 403, Failed: 400, Unavailable: 503}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

# One event of a stream, as documents of interfaces describe them.
CHUNK = {
    "type": "object",
    "properties": {
        "data": {"type": "string", "description": "A chunk as JSON, or `[DONE]` at the end."}
    },
    "required": ["data"],
}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class CompletionRoute(StrictRoute):
    """A route whose errors have the form that clients of this interface know."""

    def get_route_handler(self) -> Handler:
        """The usual handler; what it raises becomes an answer."""
        handle = super().get_route_handler()

        async def handle_all(request: Request) -> Response:
            try:
                return await handle(request)
            except (Wrong, NotSignedIn, ToolError, RequestValidationError, HTTPException) as error:
                return _refuse(_wrong(error), getattr(error, "headers", None))

        return handle_all


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {s: {"model": WrongShape, "description": MEANINGS[s]} for s in statuses if s != 422}


class Streamed(StreamingResponse):
    """An answer sent as it comes; who hangs up stops the run, however far it has come."""

    def __init__(
        self, events: AsyncGenerator[tuple[str, Event], None], frames: AsyncGenerator[str, None]
    ) -> None:
        super().__init__(frames, media_type="text/event-stream")
        self._events, self._frames = events, frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; nothing is left to be closed by whoever collects the garbage."""
        async with aclosing(self._events), aclosing(self._frames):
            await super().__call__(scope, receive, send)


router = APIRouter(prefix="/v1", tags=["chat completions"], route_class=CompletionRoute)


@router.get("/models", summary="The models", responses=_documented(*LOOKING))
async def list_models(visitor: Reader, services: Served) -> ModelList:
    """The one model that can be asked for."""
    return ModelList(data=[ModelShape(owned_by=services.copilot.plant.site.name)])


@router.get("/models/{model}", summary="One model", responses=_documented(*LOOKING))
async def show_model(model: str, visitor: Reader, services: Served) -> ModelShape:
    """The model of that name."""
    check_model(model)
    return ModelShape(owned_by=services.copilot.plant.site.name)


@router.post(
    "/chat/completions",
    summary="Answer a chat",
    response_model=ChatCompletion,
    responses={
        200: {
            "description": "The answer; with `stream` as server-sent events, ended by `[DONE]`.",
            "content": {"text/event-stream": {"schema": CHUNK}},
        },
        **_documented(*ASKING),
    },
)
async def complete(
    asked: Completion, visitor: Reader, services: Served, request: Request
) -> Response | ChatCompletion:
    """The answer to the last message; the earlier ones say what it follows up on."""
    messages = said(asked)
    actor = visitor.actor
    owner = json.dumps([actor.name, asked.user or ""])
    conversation = await conversation_for(request, actor, owner, messages[:-1])
    text = messages[-1][1]
    created = int(services.now().timestamp())

    def keep(answer: str) -> None:
        threads_of(request).keep(owner, [*messages, ("assistant", answer)], conversation)

    if not asked.stream:
        reply = await reply_to(request, actor, conversation, text)
        answer = "\n\n".join((reply.answered.text, *reply.notices))
        keep(answer)
        choice = Choice(message=AnswerMessage(content=answer))
        return ChatCompletion(id=f"chatcmpl-{reply.run}", created=created, choices=[choice])
    events = ask(request, actor, conversation, text)
    run, _ = await anext(events)  # What can be refused is refused before anything is sent.
    usage = bool(asked.stream_options and asked.stream_options.include_usage)
    return Streamed(events, _frames(events, run, created, usage, keep))


async def _frames(
    events: AsyncGenerator[tuple[str, Event], None],
    run: str,
    created: int,
    usage: bool,
    keep: Callable[[str], None],
) -> AsyncGenerator[str, None]:
    head = {
        "id": f"chatcmpl-{run}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": MODEL,
    }

    def chunk(delta: dict[str, str], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return _frame({**head, "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    told: list[str] = []
    async for _, event in events:
        words = _words(event)
        if not words:
            yield ": working\n\n"
            continue
        for piece in (f"\n\n{words}" if told else words).splitlines(keepends=True):
            yield chunk({"content": piece})
        told.append(words)
    keep("\n\n".join(told))
    yield chunk({}, "stop")
    if usage:
        yield _frame({**head, "choices": [], "usage": Usage().model_dump()})
    yield "data: [DONE]\n\n"


def _words(event: Event) -> str:
    if isinstance(event, Answered):
        return event.text
    return event.message if isinstance(event, Noticed) else ""


def _frame(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _wrong(error: Exception) -> Wrong:
    match error:
        case Wrong():
            return error
        case NotSignedIn():
            return Wrong(401, "no good service token was sent", code="invalid_api_key")
        case ToolError():
            kinds = (status for kind, status in _KINDS.items() if isinstance(error, kind))
            return Wrong(next(kinds, 503), str(error))
        case RequestValidationError():
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"][1:])
            return Wrong(400, f"{where}: {first['msg']}", where)
        case HTTPException():
            return Wrong(error.status_code, str(error.detail))
    raise error


def _refuse(wrong: Wrong, headers: dict[str, str] | None) -> Response:
    kind = "server_error" if wrong.status >= 500 else "invalid_request_error"
    content = {
        "message": printable(str(wrong)),
        "type": _TYPES.get(wrong.status, kind),
        "param": wrong.parameter,
        "code": wrong.code,
    }
    marked = {"WWW-Authenticate": "Bearer"} if wrong.status == 401 else {}
    return JSONResponse({"error": content}, wrong.status, {**marked, **(headers or {})})
