"""What an invariant is: a check in code that no configuration can lift.

Each check answers with plain words, numbers and units when it is broken, and with None when it
holds or when another check already says why it cannot be judged. Unknown means broken.
"""

from collections.abc import Callable
from dataclasses import dataclass

from copilot.policy.subject import TARGETS, Subject

Check = Callable[[Subject], str | None]

SETPOINT = ("write_setpoint",)
MACHINE = ("write_setpoint", "send_command")
PLANT = (*MACHINE, "acknowledge_alarm")
STOCK = ("reserve_part", "request_purchase")
PURCHASE = ("request_purchase",)
ALL = tuple(TARGETS)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A check of some tools; `says` is what it demands in general."""

    id: str
    tools: tuple[str, ...]
    says: str
    check: Check


def invariant(id: str, tools: tuple[str, ...]) -> Callable[[Check], Invariant]:
    """Declare a function as the check of an invariant; its docstring is what it demands."""
    return lambda check: Invariant(id, tools, (check.__doc__ or id).rstrip("."), check)
