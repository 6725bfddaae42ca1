"""What the planner may write: a grammar (GBNF) or a JSON schema made from the tools' signatures.

The grammar admits exactly the compact JSON the adapter was trained on: an array of one to four
calls, keys in the declared order, no spaces. Bounds that a person could meet by honest input (a
long text, a big number) are left to pydantic, so that a value is refused and never cut short.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from copilot_tools.tool import WINDOW_PATTERN, Parameter, ParameterKind, Registry, Tool

MOST_CALLS = 4
LONGEST_TEXT = 400
MOST_TEXTS = 12

_OPENING = '[{"tool":"'

# No control characters, invisible or direction-changing marks; the only escapes are \" \\ and \/.
# Ranges of what is allowed: llama.cpp refuses half-written letters next to an excluded range.
_TERMINALS = rf"""
text ::= "\"" visible (" " | visible){{0,{LONGEST_TEXT - 1}}} "\""
visible ::= [!#-\[\]-~] | letter | escape
letter ::= [\u00A1-\u1FFF\u2010-\u2027\u2030-\u205E\u2070-\uD7FF\uE000-\uFEFE\uFF01-\U0003FFFF]
escape ::= "\\" ["\\/]
texts ::= "[" text ("," text){{0,{MOST_TEXTS - 1}}} "]"
window ::= "\"" ([1-9] [0-9]{{0,3}} [mhd] | "shift" | "today" | "yesterday" | "week" | "month") "\""
number ::= "-"? ("0" | [1-9] [0-9]{{0,14}}) ("." [0-9]{{1,9}})?
count ::= [1-9] [0-9]{{0,14}}
flag ::= "true" | "false"
"""

_SCHEMAS: dict[ParameterKind, dict[str, Any]] = {
    "text": {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
    "texts": {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
        "minItems": 1,
        "maxItems": MOST_TEXTS,
    },
    "window": {"type": "string", "pattern": WINDOW_PATTERN},
    "number": {"type": "number"},
    "count": {"type": "integer", "minimum": 1},
    "flag": {"type": "boolean"},
}


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a model's answer must be.

    `opening` is how every such answer begins; `parts` are how its parts begin: once a part differs
    from all others, the rest of its beginning need not be asked of the model.
    """

    gbnf: str
    opening: str = ""
    parts: tuple[str, ...] = ()


@lru_cache(maxsize=16)
def plan_grammar(tools: Registry) -> Grammar:
    """The grammar of plans that use these tools; raises ValueError when there is none."""
    if not len(tools):
        raise ValueError("a plan needs at least one tool")
    calls = [f"tool{position} ::= {_call(tool)}" for position, tool in enumerate(tools)]
    choice = " | ".join(f"tool{position}" for position in range(len(tools)))
    root = f'root ::= "[" call ("," call){{0,{MOST_CALLS - 1}}} "]"'
    gbnf = "\n".join((root, f"call ::= {choice}", *calls)) + _TERMINALS
    return Grammar(gbnf, _OPENING, tuple(map(_beginning, tools)))


@lru_cache(maxsize=16)
def plan_schema(tools: Registry) -> dict[str, Any]:
    """The JSON schema of plans that use these tools."""
    calls = [_call_schema(tool) for tool in tools]
    return {"type": "array", "items": {"anyOf": calls}, "minItems": 1, "maxItems": MOST_CALLS}


def _call(tool: Tool) -> str:
    parts = [_literal(f'{{"tool":"{tool.name}"'), *map(_argument, tool.parameters), _literal("}")]
    return " ".join(parts)


def _beginning(tool: Tool) -> str:
    """The call up to its first value that is the user's, or up to the end of the tool's name."""
    name = f'{{"tool":"{tool.name}'
    first = tool.parameters[0] if tool.parameters else None
    if first is None or not first.required or first.kind not in ("text", "choice", "window"):
        return name
    return f'{name}","{first.name}":"'


def _argument(parameter: Parameter) -> str:
    value = parameter.kind if parameter.kind != "choice" else _choice(parameter.choices)
    rule = _literal(f',"{parameter.name}":') + f" {value}"
    return rule if parameter.required else f"({rule})?"


def _choice(choices: tuple[str, ...]) -> str:
    return "(" + " | ".join(_literal(f'"{choice}"') for choice in choices) + ")"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _call_schema(tool: Tool) -> dict[str, Any]:
    properties: dict[str, Any] = {"tool": {"const": tool.name}}
    for parameter in tool.parameters:
        choices = {"enum": list(parameter.choices)}
        properties[parameter.name] = _SCHEMAS.get(parameter.kind, choices)
    required = ["tool", *(p.name for p in tool.parameters if p.required)]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
