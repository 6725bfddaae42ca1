"""Who asks: the person behind a turn, what their role is and which areas are theirs."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

EVERYWHERE = "*"


class Role(StrEnum):
    """What a person does in the plant."""

    OPERATOR = "operator"
    TECHNICIAN = "technician"
    SUPERVISOR = "supervisor"
    ENGINEER = "engineer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """An account in use: `person` is who holds it, so that two accounts of one count once.

    `areas` are area ids, or `EVERYWHERE`. An actor that is not `authenticated` may read and ask,
    never propose. `on_shift` is judged by the plant's clock when the actor is loaded.
    """

    name: str
    role: Role
    person: str = ""
    areas: tuple[str, ...] = ()
    authenticated: bool = False
    on_shift: bool = True

    def works_in(self, areas: Iterable[str]) -> bool:
        """Whether one of these areas is theirs."""
        return EVERYWHERE in self.areas or not set(self.areas).isdisjoint(areas)
