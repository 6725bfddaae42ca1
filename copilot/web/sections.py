"""Sections of a page that each say what cannot be seen, while the others stay."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar

from copilot_tools.errors import Failed, Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """What was found for a part of a page, or why it cannot be seen."""

    content: T | None = None
    trouble: Unavailable | Failed | None = None


async def look(answer: Awaitable[T]) -> Section[T]:
    """The section of an answer that may fail to come."""
    try:
        return Section(content=await answer)
    except (Unavailable, Failed) as error:
        return Section(trouble=error)
