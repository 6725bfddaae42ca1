"""The form of chat completions: what is taken, what is refused and why, what is answered."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from copilot.web.api.threads import Said

MODEL = "industrial-copilot"
MOST_MESSAGES = 400
NOT_TAKEN = (
    "tools", "functions", "tool_choice", "function_call", "logprobs", "top_logprobs", "audio",
    "prediction", "web_search_options",
)  # fmt: skip


class Wrong(Exception):
    """A request that this interface does not serve; `parameter` is what is wrong with it."""

    def __init__(self, status: int, message: str, parameter: str = "", code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.parameter = parameter or None
        self.code = code or None


class Part(BaseModel):
    """A piece of a message; only text can be read."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: str | None = None


class Message(BaseModel):
    """One message; those of the system are left out, the copilot has its own rules."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    """What a stream tells besides the answer."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class Completion(BaseModel):
    """A chat to go on with; parameters of sampling are taken and have no effect."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"model": MODEL, "messages": [{"role": "user", "content": "Which alarms stand?"}]}
            ]
        },
    )

    model: str
    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    response_format: dict[str, Any] | None = None
    modalities: list[str] | None = None
    user: str | None = None


class Usage(BaseModel):
    """Tokens; none are metered here, so all counts are 0."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class AnswerMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one answer there is."""

    index: int = 0
    message: AnswerMessage
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class ChatCompletion(BaseModel):
    """An answer in one piece."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = MODEL
    choices: list[Choice]
    usage: Usage = Usage()


class ModelShape(BaseModel):
    """A model that can be asked for."""

    id: str = MODEL
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str


class ModelList(BaseModel):
    """The models there are: one."""

    object: Literal["list"] = "list"
    data: list[ModelShape]


class TroubleShape(BaseModel):
    """What went wrong, in the words and kinds of this interface."""

    message: str
    type: str
    param: str | None
    code: str | None


class WrongShape(BaseModel):
    """The body of every answer that is not a success."""

    error: TroubleShape


def said(asked: Completion) -> list[Said]:
    """The messages as role and text, the question last; raises Wrong for what is not served."""
    check_model(asked.model)
    _check_parameters(asked)
    messages = [
        (message.role, _text(message, place)) for place, message in enumerate(asked.messages)
    ]
    if messages[-1][0] != "user":
        raise Wrong(400, "the last message has to be the user's", "messages")
    return [(role, text) for role, text in messages if role in ("user", "assistant")]


def check_model(name: str) -> None:
    """Raise Wrong unless there is a model of that name."""
    if name != MODEL:
        text = f"there is no model {name!r}; this one is called {MODEL!r}"
        raise Wrong(404, text, "model", "model_not_found")


def _check_parameters(asked: Completion) -> None:
    extra = asked.model_extra or {}
    for name in NOT_TAKEN:
        if extra.get(name) not in (None, False, [], "none"):
            raise Wrong(400, f"{name} cannot be used here: the copilot has its own tools", name)
    if asked.n not in (None, 1):
        raise Wrong(400, "there is one answer to a question; n has to be 1", "n")
    if asked.response_format not in (None, {"type": "text"}):
        raise Wrong(400, "answers are plain text; leave response_format out", "response_format")
    if asked.modalities not in (None, [], ["text"]):
        raise Wrong(400, "answers are text; leave modalities out", "modalities")


def _text(message: Message, place: int) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    return "\n".join(_texts(message.content, place))


def _texts(parts: list[Part], place: int) -> Iterator[str]:
    for part in parts:
        if part.type != "text" or part.text is None:
            text = f"only text can be read, no {part.type!r}"
            raise Wrong(400, text, f"messages.{place}.content")
        yield part.text
