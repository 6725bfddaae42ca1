"""Files known by their content: a hash that is made again only when a file may have changed."""

import hashlib
import time
from pathlib import Path

from copilot_knowledge.schema import FORMAT

SIDE_CAR = ".toml"
# What was written a moment ago may be written again within one tick of the file system's clock.
_SETTLED_NS = 2_000_000_000

_Stamps = tuple[tuple[int, ...], ...]


class ContentKeys:
    """The hashes of files by path; may be used from several threads."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[_Stamps, str]] = {}

    def of(self, file: Path) -> str:
        """Hash of the content, of the name that stands in for an identity, and of the side-car.

        Raises OSError, and UnicodeEncodeError for a name that is not UTF-8.
        """
        parts = [p for p in (file, file.with_name(f"{file.name}{SIDE_CAR}")) if p.is_file()]
        stamps = tuple(_stamp(part) for part in parts)
        known, key = self._known.get(file, ((), ""))
        if key and known == stamps:
            return key
        key = _hash(file.name, parts)
        if all(time.time_ns() - changed > _SETTLED_NS for changed, *_ in stamps):
            self._known[file] = stamps, key
        return key


def _stamp(file: Path) -> tuple[int, ...]:
    """What changes with a file's content; when it last changed comes first."""
    known = file.stat()
    return known.st_mtime_ns, known.st_ctime_ns, known.st_size, known.st_ino


def _hash(name: str, parts: list[Path]) -> str:
    digest = hashlib.sha256(f"{FORMAT} {name}\n".encode())
    for part in parts:
        with part.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
