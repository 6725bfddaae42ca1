"""Which line of a TOML text a setting stands on, so that an error can point at it."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+|\"[^\"]+\")\s*=")

Path = tuple[str | int, ...]


def find_line(text: str, path: Sequence[str | int]) -> int:
    """The 1-based line of the setting at `path` (("asset", 3, "signal", 0, "unit")).

    Where the setting itself is absent, the line of the nearest table around it; 1 if none is.
    """
    best_line, best_depth = 1, 0
    wanted = tuple(path)
    for line, here in _walk(text):
        depth = _shared(here, wanted)
        if depth == len(here) and depth > best_depth:
            best_line, best_depth = line, depth
    return best_line


def _walk(text: str) -> list[tuple[int, Path]]:
    """Every header and key of the text with its line and full path."""
    counts: dict[Path, int] = {}
    table: Path = ()
    found: list[tuple[int, Path]] = []
    for line, content in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(content):
            table = _open(header[2].split("."), header[1] == "[[", counts)
            found.append((line, table))
        elif key := _KEY.match(content):
            found.append((line, (*table, key[1].strip('"'))))
    return found


def _open(names: Sequence[str], is_array: bool, counts: dict[Path, int]) -> Path:
    path: Path = ()
    for position, name in enumerate(names):
        path = (*path, name)
        if is_array and position == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _shared(here: Path, wanted: Path) -> int:
    depth = 0
    for mine, other in zip(here, wanted, strict=False):
        if mine != other:
            break
        depth += 1
    return depth
