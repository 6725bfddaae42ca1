"""The controller's side of a command block: every command id is looked at once, and in time.

`docs/plc-handshake.md` describes the block and shows the same logic in structured text.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, NamedTuple

from asyncua import ua

REMEMBERED = 32  # command ids


class Result(IntEnum):
    """What became of the command whose id is echoed."""

    NONE = 0
    TAKEN = 1
    EXPIRED = 2
    OUT_OF_RANGE = 3
    NOT_NOW = 4


class Part(NamedTuple):
    """A tag of the block: its type, its value at rest, and whether the executor writes it."""

    kind: ua.VariantType
    rest: Any
    written: bool


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PARTS = {
    "command_id": Part(ua.VariantType.String, "", True),
    "value": Part(ua.VariantType.Double, 0.0, True),
    "expires_at": Part(ua.VariantType.DateTime, EPOCH, True),
    "strobe": Part(ua.VariantType.Boolean, False, True),
    "echo_id": Part(ua.VariantType.String, "", False),
    "result": Part(ua.VariantType.Int32, int(Result.NONE), False),
}


@dataclass(slots=True)
class CommandBlock:
    """One block: `tags` by name. `apply` raises ValueError for a value out of range."""

    apply: Callable[[float], None]
    is_ready: Callable[[], bool]
    tags: dict[str, Any] = field(
        default_factory=lambda: {name: part.rest for name, part in PARTS.items()}
    )
    _seen: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def write(self, name: str, value: Any) -> None:
        """Put a value into a tag, as a client does; nothing happens before the next scan."""
        self.tags[name] = value

    def scan(self, now: datetime) -> None:
        """One cycle of the controller: take up a strobe, if there is one, and clear it."""
        if not self.tags["strobe"]:
            return
        self.tags["strobe"] = False
        command = str(self.tags["command_id"] or "")
        if command and command not in self._seen:
            self._seen.append(command)
            self.tags["result"] = int(self._decide(now))
            self.tags["echo_id"] = command

    def _decide(self, now: datetime) -> Result:
        expires: datetime = self.tags["expires_at"]
        if now > (expires if expires.tzinfo else expires.replace(tzinfo=UTC)):
            return Result.EXPIRED
        if not self.is_ready():
            return Result.NOT_NOW
        try:
            self.apply(self.tags["value"])
        except ValueError:
            return Result.OUT_OF_RANGE
        return Result.TAKEN
