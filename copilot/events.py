"""What happens in a turn, as it happens: one union for terminal, web and evaluations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from copilot_tools.errors import Candidate
from copilot_tools.facts import Fact, Findings
from copilot_tools.tool import Call


@dataclass(frozen=True, slots=True)
class Queued:
    """The model is busy; `ahead` turns are planned before this one."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be looked up, in the order asked."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a call found nothing: `candidates` are offered, `since` is the last good time (UTC).

    `facts` hold the numbers of the message.
    """

    kind: Literal["retry", "failed", "denied", "unavailable"]
    message: str
    candidates: tuple[Candidate, ...] = ()
    since: datetime | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call of the plan came to; `position` is its place in the plan."""

    position: int
    call: Call
    result: Findings | Problem
    seconds: float


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer in words, built from the facts of the outcomes and from nothing else."""

    text: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something the user should know about the turn itself, such as that it cannot be saved."""

    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over; seconds for planning, until the first fact, and in all."""

    plan_s: float
    first_fact_s: float | None
    total_s: float


@dataclass(frozen=True, slots=True)
class Watched:
    """A turn as whoever watches the copilot is told of it once it is over, answered or not.

    `began` is in ns since 1970; the words of the turn are not in it.
    """

    name: str
    key: str
    began: int
    seconds: float
    plan_s: float | None
    outcomes: tuple[Outcome, ...]
    answered: bool


Event: TypeAlias = Queued | Planned | Outcome | Answered | Noticed | Ended
