"""Who asks: the person behind a turn and what their role lets them see."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person does in the plant."""

    OPERATOR = "operator"
    TECHNICIAN = "technician"
    SUPERVISOR = "supervisor"
    ENGINEER = "engineer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person (or a terminal) with a role."""

    name: str
    role: Role
