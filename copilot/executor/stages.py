"""The five stages every change passes (NAMUR NE 178, verification of request), and the verdict."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from copilot.approvals.states import State
from copilot.executor.outcome import Seen, Sent
from copilot.proposal import write_time

Stage = Literal[
    "authentication and authorisation",
    "verification",
    "mapping",
    "acceptance",
    "mapping verification",
]
Status = Literal["passed", "refused", "unclear"]


@dataclass(frozen=True, slots=True)
class Step:
    """One stage that a change went through: how it ended, and why in one plain line."""

    stage: Stage
    status: Status
    says: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a change ended: its state, and the reason in one plain line."""

    state: State
    note: str


def accepted(sent: Sent) -> Step:
    """The stage of the sending: the plant took it, turned it down, or nobody can tell."""
    status: dict[str, Status] = {"good": "passed", "refused": "refused", "uncertain": "unclear"}
    return Step("acceptance", status[sent.outcome], sent.status)


def shown(seen: Seen) -> Step:
    """The stage of the reading back."""
    effects: dict[str, Status] = {"applied": "passed", "not_applied": "refused"}
    return Step("mapping verification", effects.get(seen.effect, "unclear"), say(seen))


def judge(sent: Sent, seen: Seen) -> Verdict:
    """What status and effect prove together; whatever they do not prove is unknown."""
    if sent.outcome == "good" and seen.effect == "applied":
        return Verdict(State.VERIFIED, f"done, and read back: {say(seen)}")
    if sent.outcome == "refused" and seen.effect == "not_applied":
        return Verdict(State.FAILED, f"turned down, nothing changed: {sent.status}")
    return Verdict(State.UNKNOWN, f"{sent.status}; read back: {say(seen)}")


def judge_found(seen: Sequence[Seen]) -> Verdict:
    """What reading back proves when nobody knows whether anything was sent."""
    last = seen[-1]
    if last.effect == "applied":
        note = f"found by reading back after an interruption: {say(last)}"
        return Verdict(State.VERIFIED, note)
    if all(one.effect == "not_applied" for one in seen):
        note = f"not found by reading back after an interruption: {say(last)}"
        return Verdict(State.FAILED, note)
    return Verdict(State.UNKNOWN, f"it was interrupted; read back: {say(last)}")


def say(seen: Seen) -> str:
    """What was read back in one line."""
    value = "nothing" if seen.value is None else f"{seen.value} {seen.unit}".rstrip()
    return f"{value} ({seen.status}, {seen.quality})"


def write_seen(seen: Seen) -> dict[str, Any]:
    """What was read back as plain JSON values."""
    content = asdict(seen)
    content["time"] = write_time(seen.time) if seen.time else None
    if isinstance(seen.value, bool | int | float | str):
        return content
    return {**content, "value": None if seen.value is None else str(seen.value)}
