"""Which name that occurs in records a loosely written one means; unknown ones are asked back."""

from collections.abc import Iterable

from copilot_tools.errors import Candidate, Retry
from copilot_tools.site.names import describe, surest

OFFERED = 8


def fitting(text: str, names: Iterable[str]) -> list[str]:
    """Every name that `text` fits equally well ("label" may be two defects)."""
    index = describe({name: (name,) for name in names})
    return [match.key for match in surest(index.find(text))]


def choose(what: str, text: str, names: Iterable[str]) -> str:
    """The one name that `text` means; raises Retry with the known ones."""
    known = list(dict.fromkeys(names))
    fits = fitting(text, known)
    if len(fits) == 1:
        return fits[0]
    raise ask_back(what, text, known, fits)


def ask_back(what: str, text: str, known: list[str], fits: list[str] | None = None) -> Retry:
    """The question that offers the names it might be, or else those there are."""
    offered = (fits or known)[:OFFERED]
    candidates = tuple(Candidate(name, "", 0.0) for name in offered)
    more = " and more" if len(fits or known) > OFFERED else ""
    names = ", ".join(offered) + more
    if fits:
        return Retry(f"Which {what} do you mean by {text!r}: {names}?", candidates)
    return Retry(f"I know no {what} {text!r}.{f' There are {names}.' if names else ''}", candidates)
