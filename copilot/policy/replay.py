"""What would this policy have decided on everything that stands in the audit log?"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from copilot.policy.decision import Decision
from copilot.policy.policy import Policy
from copilot.policy.request import Request, read_request


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision of the audit log: the row it stands in, what was asked, what was answered."""

    seq: int
    at: str
    kind: str
    proposal: str
    request: Request
    allowed: bool
    rules: tuple[str, ...]
    policy: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """A recorded decision and what the policy answers to the same request now."""

    recorded: Recorded
    now: Decision

    @property
    def differs(self) -> bool:
        """Whether the answer is another one; the rules behind it may change."""
        return self.recorded.allowed != self.now.allowed


def recorded(rows: Iterable[str]) -> Iterator[Recorded]:
    """The decisions in some audit rows; raises ValueError that names the row of a broken one."""
    for text in rows:
        row = json.loads(text)
        data = row["data"]
        one = [data["decision"]] if isinstance(data.get("decision"), dict) else []
        several = data.get("decisions")
        for content in (*one, *(several if isinstance(several, list) else ())):
            try:
                yield _read(row, content)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"audit row {row['seq']} holds no decision: {error}") from error


def replay(rows: Iterable[str], policy: Policy) -> Iterator[Replayed]:
    """Every recorded decision beside the one this policy makes; raises ValueError."""
    for decision in recorded(rows):
        yield Replayed(decision, policy.decide(decision.request))


def _read(row: dict[str, Any], content: dict[str, Any]) -> Recorded:
    rules = (rule["id"] if isinstance(rule, dict) else rule for rule in content["rules"])
    return Recorded(
        seq=row["seq"],
        at=row["at"],
        kind=row["kind"],
        proposal=row["proposal"],
        request=read_request(content["request"]),
        allowed=content["allowed"],
        rules=tuple(rules),
        policy=content["policy"],
    )
