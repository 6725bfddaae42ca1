"""Errors that may be shown to the user and to a model.

ToolError
+-- Retry          the request can be corrected: unknown or ambiguous name, missing detail
+-- Failed         done and failed; trying the same again will not help
+-- Denied         policy or role forbids it
+-- Unavailable    a source does not answer; carries the last good time where it is known
"""

import copyreg
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from copilot_tools.facts import Fact


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing the user may have meant: its key, its name, and how sure the resolver is (0..1)."""

    key: str
    name: str
    confidence: float


class ToolError(Exception):
    """A tool could not answer; the message is one clear line for the user.

    `facts` hold the numbers of the message that the user did not say: limits, present values.
    """

    facts: "tuple[Fact, ...]" = ()

    def resting_on(self, *facts: "Fact") -> Self:
        """The same error with the facts that its message was made of."""
        self.facts = facts
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is rebuilt from its message, which is not what each of these is made of.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class Retry(ToolError):
    """The request can be corrected; `candidates` are offered when a name fits several things."""

    def __init__(self, message: str, candidates: tuple[Candidate, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class Failed(ToolError):
    """The call was carried out and failed; the same call will fail again."""


class Denied(ToolError):
    """Policy or the user's role forbids the call."""


class Unavailable(ToolError):
    """A source does not answer; `since` is the last time it did (UTC), if that is known."""

    def __init__(self, source: str, why: str, since: datetime | None = None) -> None:
        super().__init__(f"{source} is not reachable: {why}")
        self.source = source
        self.why = why
        self.since = since
