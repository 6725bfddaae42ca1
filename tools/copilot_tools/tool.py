"""What a tool is: one typed function, declared once.

    @tool(risk=Risk.READ, purpose="latest live values")
    async def read_signals(plant: Plant, asset: Text, signals: Texts | None = None) -> Findings: ...

From the signature come the card in the model's prompt, the grammar of its output and the pydantic
model that checks the arguments again. `risk` has no default: an undeclared tool cannot exist.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import PydanticCustomError

from copilot_tools.display import is_unseen
from copilot_tools.errors import Retry, Unavailable
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant

WINDOW_PATTERN = r"^([1-9][0-9]{0,3}[mhd]|shift|today|yesterday|week|month)$"


def _seen(text: str) -> str:
    if any(map(is_unseen, text)):
        raise PydanticCustomError("unseen", "holds a character that steers or hides text")
    return text


Text = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_seen)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=12)]
Window = Annotated[str, Field(pattern=WINDOW_PATTERN)]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]

ParameterKind = Literal["text", "texts", "window", "number", "count", "flag", "choice"]
_KINDS: dict[Any, ParameterKind] = {
    Text: "text",
    Texts: "texts",
    Window: "window",
    Number: "number",
    Count: "count",
    bool: "flag",
}


class Risk(StrEnum):
    """What a call can do: `read` looks, `propose` asks for a change, `talk` only answers."""

    READ = "read"
    PROPOSE = "propose"
    TALK = "talk"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a tool as the model sees it."""

    name: str
    kind: ParameterKind
    required: bool
    choices: tuple[str, ...] = ()

    def card(self) -> str:
        """How the prompt shows it: `asset`, `signals?[]`, `state?=running|idle`."""
        mark = self.name if self.required else f"{self.name}?"
        if self.kind == "texts":
            return f"{mark}[]"
        return f"{mark}={'|'.join(self.choices)}" if self.choices else mark


@dataclass(frozen=True, slots=True)
class Call:
    """A planned call: tool name and checked arguments (those the user gave, no defaults)."""

    tool: str
    arguments: Mapping[str, Any]


ToolFunction = Callable[..., Awaitable[Findings]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared tool; `timeout_s` bounds one call."""

    name: str
    purpose: str
    risk: Risk
    timeout_s: float
    parameters: tuple[Parameter, ...]
    arguments: type[BaseModel]
    function: ToolFunction

    def card(self) -> str:
        """The tool's line in the planner's prompt."""
        return f"{self.name}({', '.join(p.card() for p in self.parameters)}): {self.purpose}"

    def check(self, arguments: Mapping[str, Any]) -> Call:
        """A call with valid arguments; raises Retry that names the first wrong one."""
        try:
            valid = self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise Retry(f"{self.name}: {where}: {first['msg']}") from error
        return Call(self.name, valid.model_dump(exclude_unset=True, exclude_none=True))

    async def run(self, plant: Plant, call: Call) -> Findings:
        """Carry the call out within its time limit; raises a ToolError when it cannot."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self.function(plant, **call.arguments)
        except TimeoutError as error:
            raise Unavailable(self.name, f"no answer within {self.timeout_s:g} s") from error


def tool(*, risk: Risk, purpose: str, timeout_s: float = 8.0) -> Callable[[ToolFunction], Tool]:
    """Declare a function as a tool; its first parameter is the Plant."""

    def declare(function: ToolFunction) -> Tool:
        hints = get_type_hints(function, include_extras=True)
        signature = list(inspect.signature(function).parameters.values())[1:]
        parameters = tuple(_parameter(p, hints[p.name]) for p in signature)
        fields: dict[str, Any] = {p.name: (hints[p.name], _default(p)) for p in signature}
        arguments = create_model(
            function.__name__, __config__=ConfigDict(extra="forbid", frozen=True), **fields
        )
        return Tool(function.__name__, purpose, risk, timeout_s, parameters, arguments, function)

    return declare


class Registry:
    """The tools of a site, in the order in which the prompt shows them."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        if len(self._tools) != len(tools):
            raise ValueError("two tools share a name")

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __getitem__(self, name: str) -> Tool:
        try:
            return self._tools[name]
        except KeyError:
            raise Retry(f"there is no tool {name!r}") from None

    def check(self, planned: Mapping[str, Any]) -> Call:
        """Turn one planned JSON object (`{"tool": ..., argument: ...}`) into a checked call."""
        arguments = {key: value for key, value in planned.items() if key != "tool"}
        return self[str(planned.get("tool"))].check(arguments)


def _default(parameter: inspect.Parameter) -> Any:
    return ... if parameter.default is inspect.Parameter.empty else parameter.default


def _parameter(parameter: inspect.Parameter, hint: Any) -> Parameter:
    required = parameter.default is inspect.Parameter.empty
    if get_origin(hint) in (Union, UnionType):
        hint = next(option for option in get_args(hint) if option is not NoneType)
    if get_origin(hint) is Literal:
        return Parameter(parameter.name, "choice", required, get_args(hint))
    return Parameter(parameter.name, _KINDS[hint], required)
