"""NASA C-MAPSS files: train_FD00x.txt, test_FD00x.txt and RUL_FD00x.txt in one folder.

A row is a unit, a cycle, three settings and 21 sensors, apart by blanks, without a head. The RUL
file has a line a test unit: the cycles left after its last row. Raises NotCmapss with one line that
says which file is wrong, where and how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from copilot_tools.models.remaining_life.run import Run
from copilot_tools.timeseries import Floats

SUBSETS = ("FD001", "FD002", "FD003", "FD004")
_SETTINGS, _SENSORS = 3, 21
_COLUMNS = 2 + _SETTINGS + _SENSORS


class NotCmapss(Exception):
    """The folder holds no usable C-MAPSS files; the message is one clear line."""


@dataclass(frozen=True, slots=True)
class Subset:
    """One subset; `test` are lives cut short and `left` their cycles left, both empty if absent."""

    name: str
    train: tuple[Run, ...]
    test: tuple[Run, ...]
    left: Floats


def read_subsets(folder: Path, names: Sequence[str] = ()) -> list[Subset]:
    """The subsets of those names, all that are there by default."""
    if unknown := [name for name in names if name not in SUBSETS]:
        raise NotCmapss(f"there is no subset {unknown[0]!r}; there are {', '.join(SUBSETS)}")
    wanted = names or [name for name in SUBSETS if (folder / f"train_{name}.txt").exists()]
    if not wanted:
        raise NotCmapss(f"{folder} holds no train_FD00x.txt")
    return [_read_subset(folder, name) for name in wanted]


def _read_subset(folder: Path, name: str) -> Subset:
    train = _read_runs(folder / f"train_{name}.txt", failed=True)
    files = [folder / f"{kind}_{name}.txt" for kind in ("test", "RUL")]
    there = [file for file in files if file.exists()]
    if not there:
        return Subset(name, train, (), np.empty(0))
    if len(there) == 1:
        raise NotCmapss(f"{there[0]} is there alone: test_{name}.txt needs RUL_{name}.txt")
    test, left = _read_runs(files[0], failed=False), _read_left(files[1])
    if len(test) != len(left):
        raise NotCmapss(f"{files[1]} has {len(left)} lines, {files[0].name} {len(test)} units")
    return Subset(name, train, test, left)


def _read_runs(file: Path, *, failed: bool) -> tuple[Run, ...]:
    rows = _read_rows(file, _COLUMNS)
    units, cycles = rows[:, 0], rows[:, 1]
    begins = np.flatnonzero(np.diff(units, prepend=np.nan) != 0)
    bounds = [*begins.tolist(), len(rows)]
    runs = []
    for number, (begin, end) in enumerate(pairwise(bounds), 1):
        if units[begin] != number:
            raise NotCmapss(f"{file} line {begin + 1}: unit {units[begin]:g} where {number} is due")
        wrong = np.flatnonzero(cycles[begin:end] != np.arange(1, end - begin + 1))
        if len(wrong):
            line = begin + int(wrong[0])
            raise NotCmapss(
                f"{file} line {line + 1}: cycle {cycles[line]:g} of unit {number} where "
                f"{wrong[0] + 1} is due"
            )
        part = rows[begin:end, 2:]
        runs.append(Run(str(number), part[:, :_SETTINGS], part[:, _SETTINGS:], failed=failed))
    return tuple(runs)


def _read_left(file: Path) -> Floats:
    left = _read_rows(file, 1)[:, 0]
    if (left < 0).any():
        line = int(np.flatnonzero(left < 0)[0]) + 1
        raise NotCmapss(f"{file} line {line}: {left[line - 1]:g} cycles left; none is below 0")
    return left


def _read_rows(file: Path, width: int) -> Floats:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise NotCmapss(f"{file} cannot be read: {error.strerror}") from None
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise NotCmapss(f"{file} is empty")
    return np.array([_row(file, number, line, width) for number, line in enumerate(lines, 1)])


def _row(file: Path, number: int, line: str, width: int) -> list[float]:
    words = line.split()
    if len(words) != width:
        raise NotCmapss(f"{file} line {number}: {len(words)} columns where {width} are due")
    try:
        row = [float(word) for word in words]
    except ValueError:
        raise NotCmapss(f"{file} line {number}: something that is not a number") from None
    if not np.isfinite(row).all():
        raise NotCmapss(f"{file} line {number}: a number that is not finite")
    return row
