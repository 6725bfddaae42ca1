"""Long lists page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The entries of one page of a list of `total` entries; the first page is 1."""

    entries: Sequence[T]
    number: int
    pages: int
    total: int


def page_of(entries: Sequence[T], number: int, size: int) -> Page[T]:
    """A page of a list; past its end the last one."""
    pages = max(1, -(-len(entries) // size))
    number = min(max(number, 1), pages)
    return Page(entries[(number - 1) * size : number * size], number, pages, len(entries))
