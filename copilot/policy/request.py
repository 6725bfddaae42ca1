"""What policy is asked: may this actor do this with that change, in the plant as it is now?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import isfinite
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from copilot.actor import Actor
from copilot_tools.changes import Change
from copilot_tools.plant_state import Observation

Verb = Literal["propose", "approve", "execute"]

EXECUTOR = "executor"  # the name of the one actor that may carry changes out


@dataclass(frozen=True, slots=True)
class Request:
    """One question to policy; everything it needs to be answered again later.

    `at` is the time in UTC. `approvers` counts distinct persons that agreed, without the proposer,
    whose own yes is `confirmed`. `own` says that the actor is the person who proposed. `moved` is
    how far this target was moved within the last hour, up and down added up, in its unit.
    """

    verb: Verb
    actor: Actor
    change: Change
    observed: Observation
    at: datetime
    tainted: bool = False
    approvers: int = 0
    confirmed: bool = False
    own: bool = False
    moved: float = 0.0


def write_request(request: Request) -> dict[str, Any]:
    """The request as plain JSON values, for the audit log; NaN and infinities become texts."""
    content: dict[str, Any] = _finite(to_jsonable_python(request))
    return content


def read_request(content: Mapping[str, Any]) -> Request:
    """The request that was written so; raises ValueError when it is none."""
    try:
        return _adapter().validate_python(dict(content))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"is no policy request: {where}: {first['msg']}") from None


def _finite(content: Any) -> Any:
    """JSON knows no NaN and no infinities."""
    match content:
        case dict():
            return {name: _finite(value) for name, value in content.items()}
        case list():
            return [_finite(value) for value in content]
        case float() if not isfinite(content):
            return str(content)
    return content


@cache
def _adapter() -> TypeAdapter[Request]:
    return TypeAdapter(Request)
