"""What the model knows after reading a stable prefix, kept in files between processes.

Reading the tool cards takes seconds on one core, loading the result a few hundredths. A file counts
only when it is whole and was written by the same model, library and settings; it is never needed.
"""

import hashlib
import logging
import os
import zlib
from array import array
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

KEPT = 8

_MAGIC = b"copilot-prefix-1"
_log = logging.getLogger(__name__)


class PrefixCache:
    """Saved prefixes in one folder; `identity` names everything else their content depends on."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._identity = identity

    def load(self, tokens: Sequence[int]) -> bytes | None:
        """The state after these tokens, if it is there and whole."""
        path = self._path(tokens)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            os.utime(path)
        head, state = content[: len(_MAGIC) + 4], content[len(_MAGIC) + 4 :]
        return state if head == _head(state) else None

    def save(self, tokens: Sequence[int], state: bytes) -> None:
        """Keep the state after these tokens; a full or read-only disk is only logged."""
        path = self._path(tokens)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(_head(state) + state)
            draft.replace(path)
            self._prune()
        except OSError as error:
            _log.warning("prefix not saved: %s", error)
            with suppress(OSError):
                draft.unlink()

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.prefix"), key=lambda path: -path.stat().st_mtime)
        for path in files[KEPT:]:
            path.unlink(missing_ok=True)

    def _path(self, tokens: Sequence[int]) -> Path:
        key = hashlib.sha256(self._identity.encode() + array("q", tokens).tobytes()).hexdigest()
        return self._folder / f"{key[:32]}.prefix"


def _head(state: bytes) -> bytes:
    return _MAGIC + zlib.crc32(state).to_bytes(4, "big")
