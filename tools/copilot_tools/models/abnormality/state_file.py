"""The state of a fleet scorer on disk: plain arrays in one file, swapped in whole."""

import os
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import get_ident

import numpy as np

from copilot_tools.timeseries import Floats

_LEFT_S = 3600.0


def write_state(path: Path, arrays: Mapping[str, Floats]) -> None:
    """Put arrays into `path`; whoever reads it finds the old state or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path)
    fresh = path.with_name(f"{path.name}.{os.getpid()}-{get_ident()}.new")
    try:
        with fresh.open("wb") as file:
            np.savez(file, **dict(arrays))  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def read_state(path: Path) -> dict[str, Floats] | None:
    """The arrays in `path`; None where there is no file, or one that cannot be read.

    Nothing in it is ever run: files with objects are refused.
    """
    try:
        # Opened here, since numpy leaves a file open that it cannot read.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: np.asarray(file[name], dtype=np.float64) for name in file.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _clear(path: Path) -> None:
    """Take away what writers left that were killed; one that still writes is left alone."""
    for left in path.parent.glob(f"{path.name}.*.new"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_S:
                left.unlink()
