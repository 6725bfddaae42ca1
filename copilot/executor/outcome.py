"""What came of sending a change, what the plant shows of it, and what a status code proves."""

import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asyncua.ua.status_codes import StatusCodes, get_name_and_doc
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from copilot_tools.facts import Quality, Value

Outcome = Literal["good", "refused", "uncertain"]
Effect = Literal["applied", "not_applied", "unclear"]

# Asked last before the request that acts; raises Denied when it must not be sent any more.
LastLook = Callable[[], Awaitable[None]]


async def unasked() -> None:
    """Nobody has anything against sending: the last look of those who checked just now."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending: taken, proven not taken, or nobody can tell; `status` says why.

    Only exactly Good is `good`. A lost connection, a timeout, and every other Good or Uncertain
    status are `uncertain`: the plant may have done it, or may still do it.
    """

    outcome: Outcome
    status: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the plant shows afterwards: `value` in `unit`, at the UTC source `time`.

    `not_applied` is the value from before. After an uncertain send it proves nothing for good: the
    request may still be on its way. `value` and `time` are None when nothing could be read.
    """

    effect: Effect
    value: Value
    unit: str
    quality: Quality
    time: datetime | None
    status: str


NOT_SENT = Sent("refused", "the connection was lost before anything was sent")

# The server looked at the item and turned it down; OPC UA Part 4, 5.10.4 (Write) and 5.11.2 (Call).
_TURNED_DOWN = frozenset(
    {
        StatusCodes.BadArgumentsMissing,
        StatusCodes.BadAttributeIdInvalid,
        StatusCodes.BadConditionBranchAlreadyAcked,
        StatusCodes.BadDataEncodingInvalid,
        StatusCodes.BadDataEncodingUnsupported,
        StatusCodes.BadEventIdUnknown,
        StatusCodes.BadEventNotAcknowledgeable,
        StatusCodes.BadIndexRangeInvalid,
        StatusCodes.BadInvalidArgument,
        StatusCodes.BadInvalidState,
        StatusCodes.BadLocked,
        StatusCodes.BadMethodInvalid,
        StatusCodes.BadNodeIdInvalid,
        StatusCodes.BadNodeIdUnknown,
        StatusCodes.BadNotExecutable,
        StatusCodes.BadNotWritable,
        StatusCodes.BadOutOfRange,
        StatusCodes.BadTooManyArguments,
        StatusCodes.BadTypeMismatch,
        StatusCodes.BadUserAccessDenied,
        StatusCodes.BadWriteNotSupported,
    }
)

# What the library raises when the answer is lost, late or garbled.
FAULTS = (OSError, UaError, AssertionError, ValueError, LookupError, struct.error)


def judge_status(code: int) -> Sent:
    """What the status code of one written item or called method proves."""
    name = str(get_name_and_doc(code)[0])
    if code == StatusCodes.Good:
        return Sent("good", name)
    return Sent("refused" if code in _TURNED_DOWN else "uncertain", name)


def judge_fault(error: Exception) -> Sent:
    """What is known when a request was sent and no answer to it came: nothing, but a refusal."""
    if isinstance(error, UaStatusCodeError):
        return judge_status(error.code)
    if isinstance(error, TimeoutError):
        return Sent("uncertain", "the server did not answer in time")
    return Sent("uncertain", f"the connection was lost: {str(error) or type(error).__name__}")
