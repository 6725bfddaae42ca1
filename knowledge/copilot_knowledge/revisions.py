"""Which of the manuals that are held may be quoted today: the newest of each that is in force."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from copilot_knowledge.document import Manual


@dataclass(frozen=True, slots=True)
class Choice:
    """The manuals in force, the others, and in words why each of those is not."""

    current: tuple[Manual, ...]
    superseded: tuple[Manual, ...]
    notices: tuple[str, ...]


def choose(manuals: Sequence[Manual], today: date) -> Choice:
    """The newest of each manual; what states no revision or date has no rivals."""
    in_force = [manual for manual in manuals if _why_not(manual, today) is None]
    replaced = {m.supersedes for m in in_force if m.supersedes != m.id}
    best: dict[str, Manual] = {}
    for manual in sorted(in_force, key=_rank, reverse=True):
        best.setdefault(manual.id, manual)
    current: list[Manual] = []
    old: list[Manual] = []
    notices: list[str] = []
    for manual in manuals:
        why = _why_not(manual, today) or _beaten(manual, best[manual.id], replaced)
        if why is None:
            current.append(manual)
        else:
            old.append(manual)
            notices.append(f"{manual.file} ({manual.label}) is {why} and not quoted")
    return Choice(tuple(current), tuple(old), tuple(notices))


def _why_not(manual: Manual, today: date) -> str | None:
    if manual.effective_from and today < manual.effective_from:
        return f"in force only from {manual.effective_from}"
    if manual.effective_until and today >= manual.effective_until:
        return f"no longer in force since {manual.effective_until}"
    return None


def _beaten(manual: Manual, winner: Manual, replaced: set[str]) -> str | None:
    unversioned = not (winner.revision or winner.date)
    if manual.id not in replaced and (manual is winner or unversioned):
        return None
    copy = manual.revision == winner.revision and manual is not winner
    return f"a second copy of {winner.file}" if copy else "superseded"


def _rank(manual: Manual) -> tuple[list[tuple[int, int, str]], date, str]:
    """Order of revisions: numbers as numbers (1.10 after 1.9), letters as letters (AA after Z)."""
    parts = re.findall(r"\d+|[A-Za-z]+", manual.revision)
    order = [(int(p), 0, "") if p.isdigit() else (0, len(p), p.upper()) for p in parts]
    return order, manual.date or date.min, manual.file
